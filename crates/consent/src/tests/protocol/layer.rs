//! One withdrawal and what is kept close: fills, failovers, charters, a crash.

use stateright::{Model, Property};

use super::{ACKNOWLEDGED, NO_LATE_PERMISSION};

/// Which safeguards a protocol has.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "one switch per safeguard")]
pub(super) struct Protocol {
    /// A fill needs the token it was leased under.
    pub(super) leases: bool,
    /// Only the servers the charter names are served from.
    pub(super) identity: bool,
    /// A charter that was replaced is waited out before an answer, and before another is served.
    pub(super) grace: bool,
    /// One that was shut is waited out before changes go by the next.
    pub(super) rest: bool,
    /// A repeated withdrawal tells the layer again.
    pub(super) repeat_tells: bool,
}

/// The protocol as it is.
pub(super) const SAFE: Protocol =
    Protocol { leases: true, identity: true, grace: true, rest: true, repeat_tells: true };

/// How often the charter may be opened anew.
const OPENINGS_MAX: u8 = 1;
/// How many decisions are asked for: one to fill, one to be told.
const ASKS: u8 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Shut,
    Opening,
    Open,
}

/// What the layer is, as the system of record says or a process remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Charter {
    epoch: u8,
    phase: Phase,
    servers: u8,
}

/// What the layer keeps of the person under one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Kept {
    /// The choices as last filled: whether they were withdrawn.
    withdrawn: Option<bool>,
    token: Option<u8>,
    marked: bool,
}

/// Per opening, because keys begin with the epoch.
type Layer = [Kept; OPENINGS_MAX as usize + 1];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Withdrawal {
    /// Not begun, or crashed: the person will ask again.
    Asked,
    Blocked,
    Committed,
    /// The layer knows, or will once nobody goes by a charter before this epoch.
    Applied {
        epoch: u8,
    },
    Acknowledged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Decision {
    Idle,
    Leased { epoch: u8, token: u8 },
    Filling { epoch: u8, token: u8, withdrawn: bool },
}

/// Everything there is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct House {
    // The system of record.
    withdrawn: bool,
    charter: Charter,
    // The layer: which servers answer, what they keep and kept before the last write, tokens so far.
    servers: u8,
    layer: Layer,
    before: Layer,
    n_tokens: u8,
    // The processes, each with the charter it goes by.
    withdrawal: Withdrawal,
    withdrawer_holds: Charter,
    decision: Decision,
    decider_holds: Charter,
    asks_left: u8,
    // What may still go wrong.
    crashes_left: u8,
    failovers_left: u8,
    cuts_left: u8,
    // What must not have happened.
    permitted_late: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    Block { cut: bool },
    Commit,
    Apply { cut: bool },
    Acknowledge,
    Ask,
    Read,
    Fill,
    Renew { withdrawer: bool },
    Advance,
    MarkLapses { opening: usize },
    FailOver { loses: bool },
    Crash,
}

fn opening(epoch: u8) -> usize {
    usize::from(epoch / 2)
}

impl Charter {
    fn shut(self) -> Self {
        Self { epoch: self.epoch + 1, phase: Phase::Shut, servers: 0 }
    }
}

impl Protocol {
    /// Whether a process that goes by this charter may use the servers that answer now.
    fn reaches(self, house: &House, holds: Charter) -> bool {
        !self.identity || holds.servers == house.servers
    }

    fn serves(self, house: &House) -> bool {
        house.decider_holds.phase == Phase::Open && self.reaches(house, house.decider_holds)
    }

    /// `Layer::begin`: the mark, or a shut charter, before the write.
    fn block(self, it: &mut House, cut: bool) {
        if it.withdrawn && !self.repeat_tells {
            it.withdrawal = Withdrawal::Applied { epoch: 0 };
            return;
        }
        it.withdrawal = Withdrawal::Blocked;
        let holds = it.withdrawer_holds;
        if holds.phase == Phase::Shut {
            return;
        }
        if self.reaches(it, holds) && !cut {
            it.layer[opening(holds.epoch)] = Kept { marked: true, ..Kept::default() };
        } else {
            it.amend_shut();
        }
    }

    /// `Layer::end`: the token and the value taken away once more, or a later epoch.
    fn apply(self, it: &mut House, cut: bool) {
        let holds = it.withdrawer_holds;
        if holds.phase != Phase::Shut && self.reaches(it, holds) && !cut {
            it.layer[opening(holds.epoch)] = Kept::default();
            it.withdrawal = Withdrawal::Applied { epoch: 0 };
            return;
        }
        if holds.phase != Phase::Shut {
            while it.withdrawer_holds.epoch == holds.epoch {
                it.amend_shut();
            }
        }
        it.withdrawal = Withdrawal::Applied { epoch: it.withdrawer_holds.epoch };
    }

    fn ask(self, it: &mut House) {
        let acknowledged = it.withdrawal == Withdrawal::Acknowledged;
        it.asks_left -= 1;
        if !self.serves(it) {
            // Off: the record answers.
            return;
        }
        let epoch = it.decider_holds.epoch;
        let kept = &mut it.layer[opening(epoch)];
        if let Some(withdrawn) = kept.withdrawn {
            it.permitted_late |= acknowledged && !withdrawn;
        } else if !kept.marked {
            if kept.token.is_none() {
                it.n_tokens += 1;
                kept.token = Some(it.n_tokens);
            }
            if let Some(token) = kept.token {
                it.decision = Decision::Leased { epoch, token };
            }
        }
    }

    fn fill(self, it: &mut House) {
        let Decision::Filling { epoch, token, withdrawn } = it.decision else { return };
        it.decision = Decision::Idle;
        let serves = self.serves(it) && it.decider_holds.epoch == epoch;
        let kept = &mut it.layer[opening(epoch)];
        if serves && (kept.token == Some(token) || !self.leases) {
            kept.withdrawn = Some(withdrawn);
        }
    }

    /// `Layer::advance`, by a process that has just read the charter.
    fn advances(self, it: &House) -> Option<Charter> {
        let charter = it.charter;
        let waited_out = [it.withdrawer_holds, it.decider_holds]
            .iter()
            .all(|holds| holds.epoch >= charter.epoch);
        match charter.phase {
            Phase::Opening | Phase::Open if self.identity && charter.servers != it.servers => {
                Some(charter.shut())
            }
            Phase::Opening => {
                (waited_out || !self.grace).then_some(Charter { phase: Phase::Open, ..charter })
            }
            Phase::Shut => {
                let again = opening(charter.epoch + 1) <= usize::from(OPENINGS_MAX);
                (again && (waited_out || !self.rest)).then_some(Charter {
                    epoch: charter.epoch + 1,
                    phase: Phase::Opening,
                    servers: it.servers,
                })
            }
            Phase::Open => None,
        }
    }
}

impl House {
    /// Shuts the charter, unless it has moved: then it is only read again.
    fn amend_shut(&mut self) {
        if self.charter == self.withdrawer_holds {
            self.charter = self.charter.shut();
        }
        self.withdrawer_holds = self.charter;
    }

    fn of_withdrawal(&self, protocol: Protocol, acts: &mut Vec<Act>) {
        let cut = self.cuts_left > 0;
        match self.withdrawal {
            Withdrawal::Asked => {
                acts.push(Act::Block { cut: false });
                acts.extend(cut.then_some(Act::Block { cut: true }));
            }
            Withdrawal::Blocked => acts.push(Act::Commit),
            Withdrawal::Committed => {
                acts.push(Act::Apply { cut: false });
                acts.extend(cut.then_some(Act::Apply { cut: true }));
            }
            Withdrawal::Applied { epoch } => {
                let waited_out = !protocol.grace || self.decider_holds.epoch >= epoch;
                acts.extend(waited_out.then_some(Act::Acknowledge));
            }
            Withdrawal::Acknowledged => return,
        }
        let begun = self.withdrawal != Withdrawal::Asked;
        acts.extend((begun && self.crashes_left > 0).then_some(Act::Crash));
    }

    fn of_layer(&self, protocol: Protocol, acts: &mut Vec<Act>) {
        match self.decision {
            Decision::Idle => acts.extend((self.asks_left > 0).then_some(Act::Ask)),
            Decision::Leased { .. } => acts.push(Act::Read),
            Decision::Filling { .. } => acts.push(Act::Fill),
        }
        for (withdrawer, holds) in [(true, self.withdrawer_holds), (false, self.decider_holds)] {
            acts.extend((holds != self.charter).then_some(Act::Renew { withdrawer }));
        }
        acts.extend(protocol.advances(self).map(|_| Act::Advance));
        for (opening, kept) in self.layer.iter().enumerate() {
            acts.extend(kept.marked.then_some(Act::MarkLapses { opening }));
        }
        if self.failovers_left > 0 {
            acts.extend([Act::FailOver { loses: false }, Act::FailOver { loses: true }]);
        }
    }
}

impl Model for Protocol {
    type State = House;
    type Action = Act;

    fn init_states(&self) -> Vec<House> {
        let charter = Charter { epoch: 0, phase: Phase::Open, servers: 0 };
        let empty = Layer::default();
        let mut warm = empty;
        warm[0] = Kept { withdrawn: Some(false), token: Some(0), marked: false };
        let house = |layer| House {
            withdrawn: false,
            charter,
            servers: 0,
            layer,
            before: layer,
            n_tokens: 0,
            withdrawal: Withdrawal::Asked,
            withdrawer_holds: charter,
            decision: Decision::Idle,
            decider_holds: charter,
            asks_left: ASKS,
            crashes_left: 1,
            failovers_left: 1,
            cuts_left: 1,
            permitted_late: false,
        };
        vec![house(empty), house(warm)]
    }

    fn actions(&self, state: &House, acts: &mut Vec<Act>) {
        state.of_withdrawal(*self, acts);
        state.of_layer(*self, acts);
    }

    fn next_state(&self, last: &House, act: Act) -> Option<House> {
        let mut next = last.clone();
        let it = &mut next;
        match act {
            Act::Block { cut } => {
                it.cuts_left -= u8::from(cut);
                self.block(it, cut);
            }
            Act::Commit => {
                it.withdrawn = true;
                it.withdrawal = Withdrawal::Committed;
            }
            Act::Apply { cut } => {
                it.cuts_left -= u8::from(cut);
                self.apply(it, cut);
            }
            Act::Acknowledge => it.withdrawal = Withdrawal::Acknowledged,
            Act::Ask => self.ask(it),
            Act::Read => {
                if let Decision::Leased { epoch, token } = it.decision {
                    it.decision = Decision::Filling { epoch, token, withdrawn: it.withdrawn };
                }
            }
            Act::Fill => self.fill(it),
            Act::Renew { withdrawer: true } => it.withdrawer_holds = it.charter,
            Act::Renew { withdrawer: false } => it.decider_holds = it.charter,
            Act::Advance => it.charter = self.advances(it)?,
            Act::MarkLapses { opening } => it.layer[opening].marked = false,
            Act::FailOver { loses } => {
                it.failovers_left -= 1;
                it.servers += 1;
                if loses {
                    it.layer = it.before;
                }
            }
            Act::Crash => {
                it.crashes_left -= 1;
                it.withdrawal = Withdrawal::Asked;
                it.withdrawer_holds = it.charter;
            }
        }
        if next.layer != last.layer {
            next.before = last.layer;
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NO_LATE_PERMISSION, |_, it: &House| !it.permitted_late),
            Property::always(ACKNOWLEDGED, |model: &Self, it: &House| {
                let mut acts = Vec::new();
                model.actions(it, &mut acts);
                !acts.is_empty() || it.withdrawal == Withdrawal::Acknowledged
            }),
            Property::sometimes("the layer opens anew", |_, it: &House| {
                it.charter.phase == Phase::Open && it.charter.epoch > 0
            }),
        ]
    }
}
