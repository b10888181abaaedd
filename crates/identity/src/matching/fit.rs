//! Learning from pairs nobody labelled: expectation and maximisation over patterns and their counts.
//!
//! Three classes: the same person, the same household, two strangers. A household is told by
//! structure: its members agree on given name, birth date and national id as strangers do, and on
//! surname, address and contact as they like. Every rule has shares of its own, and what a rule asks
//! for trains nothing under that rule; without both, households pass as people.

use std::collections::BTreeMap;

use super::{
    EM_ITERATIONS_MAX, MatchError, blocking,
    chance::{Levels, probability},
    model::Model,
    pairs::Census,
    pattern::{COMPARISONS, Comparison, LEVELS, Pattern},
};

/// Of a hundred pairs of a household, how many have one birth date: twins.
const TWINS: f64 = 0.01;
/// Of a hundred pairs of a household, how many have one given name: a child called after a parent.
const NAMESAKES: f64 = 0.01;
/// How far a probability may still move when a fit has settled.
const SETTLED: f64 = 1e-5;
/// How many pairs the shipped guess weighs as much as: it steadies small files, no more.
const GUESS_PAIRS: f64 = 4.0;
/// How often matches are taken out of chance and everything is learnt again.
const ROUNDS: usize = 3;
/// Chance never falls below this share of what all pairs say: what is left of it is noise.
const CHANCE_FLOOR: f64 = 0.02;

/// Learns a model from a census of patterns; `possible` is how many pairs there could be.
pub fn fit(census: &Census, observed: &Levels, possible: f64) -> Result<Model, MatchError> {
    if possible < 1.0 {
        return Err(MatchError::NoMatchClass);
    }
    let training = Training::of(census);
    let mut learnt = Learnt::guess(observed);
    let mut shares = (0.0, 0.0);
    for _ in 0..ROUNDS {
        learnt.settle(&training)?;
        shares = learnt.prevalence(census, possible);
        learnt.without_matches(observed, shares);
    }
    if shares.0 * possible < 1.0 {
        return Err(MatchError::NoMatchClass);
    }
    Ok(Model::new(&learnt.m, &learnt.h, &learnt.u, shares))
}

/// What each rule's pairs say, without what the rule asks for.
struct Training(Vec<Vec<([usize; COMPARISONS], f64)>>);

impl Training {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    fn of(census: &Census) -> Self {
        let of_rule = |(bit, rule): (u32, &blocking::Rule)| {
            let forced = Comparison::ALL.iter().zip((0_u32..).step_by(4));
            let forced = forced.filter(|it| rule.forces.contains(it.0));
            let mask = forced.fold(u64::MAX, |mask, (_, at)| mask & !(15 << at));
            let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
            for (pattern, count) in census.counted() {
                if pattern.rules() >> bit & 1 == 1 {
                    *counts.entry(pattern.compared() & mask).or_default() += count;
                }
            }
            counts.into_iter().map(|(it, n)| (Pattern(it).levels(), n as f64)).collect()
        };
        Self((0..).zip(&blocking::ALL).map(of_rule).collect())
    }
}

struct Learnt {
    m: Levels,
    h: Levels,
    u: Levels,
    guess: Levels,
    /// Per rule: the shares of the three classes among its pairs.
    shares: Vec<[f64; 3]>,
}

impl Learnt {
    fn guess(observed: &Levels) -> Self {
        let mut m = *observed;
        for (comparison, levels) in Comparison::ALL.iter().zip(&mut m) {
            match comparison {
                Comparison::Contact => likely_contact(levels),
                _ => likely(levels, comparison.levels().len()),
            }
        }
        let mut h = m;
        let ([.., contact, _], [.., chance, _]) = (&mut h, observed);
        contact.iter_mut().zip(chance).for_each(|(it, u)| *it = f64::midpoint(*it, *u));
        let mut learnt =
            Self { m, h, u: *observed, guess: m, shares: vec![[0.4, 0.3, 0.3]; blocking::RULES] };
        learnt.tie();
        learnt
    }

    /// Members of a household agree as strangers do on what is a person's own, and on the address as
    /// the records of one person do: left free, the class drifts to strangers of one surname.
    fn tie(&mut self) {
        let [given, _, born, address, .., national] = &mut self.h;
        let [.., m_address, _, _] = &self.m;
        *address = *m_address;
        let [u_given, _, u_born, .., u_national] = &self.u;
        for (h, u, equal) in
            [(given, u_given, NAMESAKES), (born, u_born, TWINS), (national, u_national, 0.0)]
        {
            for (level, (h, u)) in h.iter_mut().zip(u).enumerate().skip(1) {
                *h = (1.0 - equal) * u + if level == 1 { equal } else { 0.0 };
            }
        }
    }

    fn settle(&mut self, training: &Training) -> Result<(), MatchError> {
        for _ in 0..EM_ITERATIONS_MAX {
            if self.step(training) < SETTLED {
                return Ok(());
            }
        }
        Err(MatchError::NotConverged)
    }

    /// One round of expectation and maximisation; answers how far any probability moved.
    fn step(&mut self, training: &Training) -> f64 {
        let mut same_seen = [[0.0; LEVELS]; COMPARISONS];
        let mut house_seen = same_seen;
        for (shares, patterns) in self.shares.iter_mut().zip(&training.0) {
            let mut seen = [1e-6; 3];
            for (levels, count) in patterns {
                let likely = classes(levels, &self.m, &self.h, &self.u, shares);
                let each = count / likely.iter().sum::<f64>();
                let [same, house, strangers] = likely.map(|it| it * each);
                seen = [seen[0] + same, seen[1] + house, seen[2] + strangers];
                let each = same_seen.iter_mut().zip(&mut house_seen);
                for (at, (m, h)) in levels.iter().zip(each) {
                    if let (Some(m), Some(h)) = (m.get_mut(*at), h.get_mut(*at)) {
                        *m += same;
                        *h += house;
                    }
                }
            }
            let total: f64 = seen.iter().sum();
            *shares = seen.map(|it| it / total);
        }
        let moved = settle_levels(&mut self.m, &same_seen, &self.guess);
        settle_levels(&mut self.h, &house_seen, &self.guess);
        self.tie();
        moved
    }

    /// The shares of matches and of household pairs among all pairs there could be.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    fn prevalence(&self, census: &Census, possible: f64) -> (f64, f64) {
        let mut by_pattern: BTreeMap<u64, u64> = BTreeMap::new();
        for (pattern, count) in census.counted() {
            *by_pattern.entry(pattern.compared()).or_default() += count;
        }
        let likely: Vec<_> = by_pattern
            .into_iter()
            .map(|(it, n)| {
                let of = |levels| probability(levels, Pattern(it));
                (of(&self.m), of(&self.h), of(&self.u), n as f64)
            })
            .collect();
        let compared: f64 = likely.iter().map(|it| it.3).sum();
        let mut shares = (0.1 * compared / possible, 0.1 * compared / possible);
        for _ in 0..EM_ITERATIONS_MAX {
            let (mut same, mut house) = (0.0, 0.0);
            for (m, h, u, n) in &likely {
                let (a, b) = (shares.0 * m, shares.1 * h);
                let each = n / (a + b + u * (1.0 - shares.0 - shares.1));
                same += a * each;
                house += b * each;
            }
            let next = (same / possible, house / possible);
            let moved = (next.0 - shares.0).abs() / next.0.max(f64::MIN_POSITIVE);
            shares = next;
            if moved < SETTLED {
                break;
            }
        }
        shares
    }

    /// Chance is what all pairs say, less what matches and households say of it.
    fn without_matches(&mut self, observed: &Levels, (matches, households): (f64, f64)) {
        let rows = self.u.iter_mut().zip(observed).zip(self.m.iter().zip(&self.h));
        for ((u, q), (m, h)) in rows {
            for ((u, q), (m, h)) in u.iter_mut().zip(q).zip(m.iter().zip(h)).skip(1) {
                *u = (q - matches * m - households * h).max(q * CHANCE_FLOOR);
            }
            let total: f64 = u.iter().skip(1).sum();
            u.iter_mut().skip(1).for_each(|it| *it /= total);
        }
        self.tie();
    }
}

/// What is likely of a pattern under each class.
fn classes(
    levels: &[usize; COMPARISONS],
    m: &Levels,
    h: &Levels,
    u: &Levels,
    shares: &[f64; 3],
) -> [f64; 3] {
    let mut likely = *shares;
    for (at, (m, (h, u))) in levels.iter().zip(m.iter().zip(h.iter().zip(u))) {
        if let (Some(m), Some(h), Some(u)) = (m.get(*at), h.get(*at), u.get(*at)) {
            likely = [likely[0] * m, likely[1] * h, likely[2] * u];
        }
    }
    likely
}

/// Probabilities from expected counts and a guess that weighs little; answers how far one moved.
fn settle_levels(out: &mut Levels, seen: &Levels, guess: &Levels) -> f64 {
    let mut moved = 0.0_f64;
    for (out, (seen, guess)) in out.iter_mut().zip(seen.iter().zip(guess)) {
        let total = seen.iter().skip(1).sum::<f64>() + GUESS_PAIRS;
        for (out, (seen, guess)) in out.iter_mut().zip(seen.iter().zip(guess)).skip(1) {
            if *guess > 0.0 {
                let next = (seen + GUESS_PAIRS * guess) / total;
                moved = moved.max((next - *out).abs());
                *out = next;
            }
        }
    }
    moved
}

/// Mostly equal; else a slip is as likely as anything.
#[expect(clippy::cast_precision_loss, reason = "at most fifteen levels")]
fn likely(levels: &mut [f64; LEVELS], defined: usize) {
    let rest = 0.2 / (defined as f64 - 1.0);
    for (level, it) in levels.iter_mut().enumerate().skip(1).take(defined) {
        *it = if level == 1 { 0.8 } else { rest };
    }
}

/// Seven of ten equal where both have one; missing as often as it is by chance.
fn likely_contact(levels: &mut [f64; LEVELS]) {
    const HELD: [f64; 4] = [1.0, 0.70, 0.05, 0.25];
    let missing = |levels: &[f64; LEVELS], of: fn(usize) -> usize| {
        levels.iter().enumerate().skip(1).filter(|it| of(it.0) == 0).map(|it| it.1).sum::<f64>()
    };
    let (no_email, no_phone) = (missing(levels, |it| it / 4), missing(levels, |it| it % 4));
    let part = |at: usize, missing: f64| {
        let held = HELD.get(at).copied().unwrap_or(0.0);
        if at == 0 { missing.max(1e-3) } else { held * (1.0 - missing).max(1e-3) }
    };
    let mut total = 0.0;
    for (level, it) in levels.iter_mut().enumerate().skip(1) {
        *it = part(level / 4, no_email) * part(level % 4, no_phone);
        total += *it;
    }
    levels.iter_mut().skip(1).for_each(|it| *it /= total);
}
