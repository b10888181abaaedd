//! A verdict in words: every reason with its provision and its change, for staff, over HTTP and on
//! the command line alike. Fixed sentences; nothing a person wrote.

use std::fmt;

use consent::{
    Change, Expression, Limb, Outcome, RestrictionGround, SuppressionReason, Verdict, Who,
};
use kernel::Reason;
use serde::Serialize;

use crate::words;

/// A verdict with every reason explained; the verdict's own members stand at the top.
#[derive(Debug, Serialize)]
pub struct Explained {
    #[serde(flatten)]
    verdict: Verdict,
    /// Every reason against, in gate order.
    why: Vec<Against>,
    /// What holds, by the provision it is.
    grounded_on: Vec<Grounded>,
    /// Changes that, made in this order, lead to a yes; absent where none known here do.
    #[serde(skip_serializing_if = "Option::is_none")]
    way_to_a_yes: Option<Vec<Step>>,
}

/// One reason against.
#[derive(Debug, Serialize)]
struct Against {
    reason: Reason,
    sentence: &'static str,
    /// The provision it enforces.
    cites: &'static str,
    /// The smallest change that does away with it; absent where nobody here can make one.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<Step>,
}

/// One change.
#[derive(Debug, Serialize)]
struct Step {
    /// Who could make it: `subject`, `guardian`, `controller` or `time`.
    who: Who,
    sentence: String,
    #[serde(flatten)]
    change: Change,
}

/// A basis that holds somewhere.
#[derive(Debug, Serialize)]
struct Grounded {
    jurisdiction: String,
    cites: &'static str,
}

impl Explained {
    /// In words.
    pub fn new(explanation: consent::Explanation) -> Self {
        let consent::Explanation { verdict, objections, way } = explanation;
        let why = objections
            .into_iter()
            .map(|it| Against {
                sentence: words::sentence(&it.reason),
                reason: it.reason,
                cites: it.cites,
                change: it.change.map(Step::new),
            })
            .collect();
        let grounded_on = verdict
            .grounds
            .iter()
            .map(|it| Grounded {
                jurisdiction: it.jurisdiction.to_string(),
                cites: it.basis.cites(),
            })
            .collect();
        let way_to_a_yes = way.map(|it| it.changes.into_iter().map(Step::new).collect());
        Self { verdict, why, grounded_on, way_to_a_yes }
    }

    /// Whether it permits.
    pub const fn is_permitted(&self) -> bool {
        self.verdict.is_permitted()
    }
}

impl Step {
    fn new(change: Change) -> Self {
        Self { who: change.who(), sentence: sentence(&change), change }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.verdict;
        match it.outcome {
            Outcome::Permitted => write!(f, "permitted until {}", it.good_until)?,
            Outcome::Held { until } => write!(f, "held until {until}")?,
            Outcome::Refused => f.write_str("refused")?,
        }
        for (ground, words) in it.grounds.iter().zip(&self.grounded_on) {
            write!(f, "\n  ground  {} in {}", words.cites, words.jurisdiction)?;
            if let Some(evidence) = ground.evidence {
                write!(f, ", event {}", evidence.event)?;
            }
        }
        for it in &self.why {
            write!(f, "\n  {}  {} ({})", it.reason, it.sentence, it.cites)?;
            match &it.change {
                Some(step) => write!(f, "\n    change  {step}")?,
                None => f.write_str("\n    change  none that could be made here")?,
            }
        }
        if let Some(exception) = &it.exception {
            write!(
                f,
                "\n  under   an exception to restriction (GDPR Art. 18(2)), `{}`",
                exception.evidence
            )?;
        }
        let duties = &it.obligations;
        if duties.one_click_unsubscribe {
            f.write_str("\n  must    carry a one-click unsubscribe (RFC 8058)")?;
        }
        if duties.human_review {
            f.write_str("\n  must    offer a review by a person (GDPR Art. 22(3))")?;
        }
        for limit in duties.limits.iter() {
            write!(
                f,
                "\n  must    stay within {} contacts in {}",
                limit.contacts_max, limit.window
            )?;
        }
        match &self.way_to_a_yes {
            Some(steps) if steps.is_empty() => {}
            Some(steps) => {
                for (n, step) in (1..).zip(steps) {
                    write!(f, "\n  yes {n}   {step}")?;
                }
            }
            None => f.write_str("\n  yes     by no changes that could be made here")?,
        }
        let epochs = it.epochs;
        write!(
            f,
            "\n  asked   for {}, choices {}, identity {}, policy {}\n  used    registry {}, snapshot {}",
            it.as_of,
            epochs.person.0,
            epochs.identity.0,
            epochs.policy.0,
            it.artifacts,
            it.snapshot
        )
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match self.who {
            Who::Subject => "the person",
            Who::Guardian => "a guardian",
            Who::Controller => "the controller",
            Who::Time => "time",
        };
        write!(f, "[{who}] {}", self.sentence)
    }
}

/// A change as a sentence.
fn sentence(change: &Change) -> String {
    match change {
        Change::Agree { purpose, expression, notice, .. } => {
            let how = match expression {
                Expression::Expressed => "",
                Expression::Explicit => " by an explicit statement",
            };
            format!("The person agrees to {purpose}{how}, on the notice `{notice}`.")
        }
        Change::GuardianAgree { purpose, notice, .. } => format!(
            "A holder of parental responsibility agrees to {purpose}, on the notice `{notice}`."
        ),
        Change::Confirm { purpose } => format!("The address that was asked confirms {purpose}."),
        Change::LiftObjection { purpose, limb } => {
            format!("The person takes the objection under {} back for {purpose}.", article(*limb))
        }
        Change::WantChannel { channel } => {
            format!("The person wants to hear from us {}.", words::channel(*channel))
        }
        Change::ChooseTopic { topic } => format!("The person chooses the topic `{topic}`."),
        Change::EndPause => "The person ends the pause.".to_owned(),
        Change::GiveAddress { channel } => {
            format!(
                "The person gives and confirms a contact point, to be reached {}.",
                words::channel(*channel)
            )
        }
        Change::ConfirmAddress { channel } => {
            format!(
                "The person confirms the contact point, to be reached {}.",
                words::channel(*channel)
            )
        }
        Change::Contract { of_type } => {
            format!("The person has a contract of the type `{of_type}`.")
        }
        Change::LiftRestriction { ground } => format!(
            "The controller lifts the restriction under Art. 18(1)({}), having told the person.",
            match ground {
                RestrictionGround::A => 'a',
                RestrictionGround::B => 'b',
                RestrictionGround::C => 'c',
                RestrictionGround::D => 'd',
            }
        ),
        Change::LiftSuppression { reason } => {
            format!("Staff with authority lift the suppression {}.", suppressed(*reason))
        }
        Change::Residence { jurisdiction } => {
            format!("It comes on record that the person lives under the law of {jurisdiction}.")
        }
        Change::BornBy { year } => {
            format!("A year of birth comes on record: {year} or earlier.")
        }
        Change::PassAssessment { assessment } => {
            format!("The balancing of interests `{assessment}` is done again and passed.")
        }
        Change::AskVersion { version } => format!("It is asked about version {version}."),
        Change::AskOver { channel: Some(channel) } => {
            format!("It is done {}.", words::channel(*channel))
        }
        Change::AskOver { channel: None } => "It is done without contacting anybody.".to_owned(),
        Change::AskAgain { .. } => "It is asked about the person as known now.".to_owned(),
        Change::LeaveOut { special, criminal } => match (special, criminal) {
            (true, false) => "Special categories of data are left out.".to_owned(),
            (false, true) => "Data on offences is left out.".to_owned(),
            _ => "The data is described, and none is special or about offences.".to_owned(),
        },
        Change::Wait { until } => format!("It is done on {} or later.", words::instant(*until)),
    }
}

const fn article(limb: Limb) -> &'static str {
    match limb {
        Limb::Art21_1 => "Art. 21(1)",
        Limb::Art21_2 => "Art. 21(2)",
        Limb::Art22 => "Art. 22",
    }
}

const fn suppressed(reason: SuppressionReason) -> &'static str {
    match reason {
        SuppressionReason::Legal => "that an authority ordered",
        SuppressionReason::Deceased => "for a death",
        SuppressionReason::Complaint => "after a complaint",
        SuppressionReason::Dnc => "from the do-not-contact list",
        SuppressionReason::Bounce => "for undelivered mail",
        SuppressionReason::Vulnerable => "that protects the person",
        SuppressionReason::Unsubscribe => "from the list",
    }
}

#[cfg(test)]
mod tests {
    use consent::reason;

    use crate::words;

    /// Two tables of sentences and one of provisions speak of the same codes.
    #[test]
    fn every_code_of_consent_has_a_provision_and_a_sentence_of_its_own() {
        let unknown = words::sentence(&kernel::Reason::of("XX.UNKNOWN"));
        for it in reason::ALL {
            assert!(!it.cites.is_empty(), "{}", it.reason);
            assert_ne!(words::sentence(&it.reason), unknown, "{}", it.reason);
            assert_eq!(reason::code(&it.reason), Some(it));
        }
    }
}
