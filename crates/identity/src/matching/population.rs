//! People with known truth: households, twins, namesakes, moves, marriages, nicknames, typos, gaps.
//!
//! The rates below were fixed before any model had seen a record of this generator, and are not
//! tuned to one. What is reported is measured on seeds nobody developed with.

use super::{Values, dice::Dice};

mod spelling;

use spelling::{given_name, nickname, street_name, surname, typo};

/// One record and who it is about.
#[derive(Debug, Clone)]
pub struct Told {
    /// The attributes, in the order of [`Attribute`](super::Attribute).
    pub values: [String; 9],
    /// The person: the truth, never given to a matcher.
    pub person: u32,
}

impl Told {
    /// The attributes as a matcher takes them.
    pub fn values(&self) -> Values<'_> {
        self.values.each_ref().map(String::as_str)
    }
}

/// What is fixed about a person.
#[derive(Debug, Clone)]
struct Person {
    given: usize,
    surname: usize,
    born: (u32, u32, u32),
    email: String,
    mobile: String,
    national_id: String,
    /// Takes another surname between two records.
    marries: Option<usize>,
}

#[derive(Debug, Clone)]
struct Home {
    street: String,
    number: String,
    postcode: String,
    landline: Option<String>,
    email: Option<String>,
}

/// Records of this many people, in an order that tells nothing.
pub fn people(n: usize, seed: u64) -> Vec<Told> {
    let mut town = Town { dice: Dice::new(seed), postcodes: (n / 400).max(20), given_out: 0 };
    let mut told = Vec::with_capacity(n * 2);
    let mut next = 0_u32;
    while usize::try_from(next).unwrap_or(usize::MAX) < n {
        let home = town.home();
        let household = town.household();
        for person in household {
            if usize::try_from(next).unwrap_or(usize::MAX) < n {
                town.tell(&person, &home, next, &mut told);
                next += 1;
            }
        }
    }
    shuffle(&mut told, &mut town.dice);
    told
}

fn shuffle(told: &mut [Told], dice: &mut Dice) {
    for i in (1..told.len()).rev() {
        told.swap(i, dice.below(i + 1));
    }
}

struct Town {
    dice: Dice,
    postcodes: usize,
    /// How many mailboxes and lines were given out: no two people are given one.
    given_out: u64,
}

impl Town {
    fn pick(&mut self, weights: &[(usize, f64)]) -> usize {
        let mut left = self.dice.fraction();
        for (it, weight) in weights {
            left -= weight;
            if left < 0.0 {
                return *it;
            }
        }
        weights.last().map_or(0, |it| it.0)
    }

    fn digits(&mut self, n: usize) -> String {
        (0..n)
            .map(|_| char::from(b"0123456789".get(self.dice.below(10)).map_or(b'0', |it| *it)))
            .collect()
    }

    /// Eight digits nobody else is given.
    fn own(&mut self) -> String {
        self.given_out += 1;
        format!("{:08}", (self.given_out * 7_654_321 + 1_234_567) % 100_000_000)
    }

    /// A mailbox at one of four hosts; its own digits keep it from being anybody else's.
    fn mailbox(&mut self, handle: &str) -> String {
        let own = self.own();
        let own = own.trim_start_matches('0');
        let host = ["mail.example", "post.example", "web.example", "net.example"];
        let host = host.get(self.dice.below(4)).copied().unwrap_or("mail.example");
        format!("{handle}{own}@{host}")
    }

    fn home(&mut self) -> Home {
        let area = self.dice.below(self.postcodes);
        let street = street_name(area * 7 + self.dice.below(25));
        let mut number = (1 + self.dice.below(150)).to_string();
        if self.dice.happens(0.05) {
            number.push(if self.dice.happens(0.6) { 'a' } else { 'b' });
        }
        let landline = self.dice.happens(0.3).then(|| format!("+493{}", self.own()));
        let email = self.dice.happens(0.08).then(|| self.mailbox("family"));
        Home { street, number, postcode: format!("{:05}", 10_000 + area * 13), landline, email }
    }

    /// One to five people; adults of different families sometimes, children of their parents.
    fn household(&mut self) -> Vec<Person> {
        let size = self.pick(&[(1, 0.35), (2, 0.30), (3, 0.15), (4, 0.15), (5, 0.05)]);
        let family = self.surname();
        let adult_born = 1935 + self.span(65);
        let mut people = Vec::with_capacity(size);
        for i in 0..size {
            let surname = if i == 1 && self.dice.happens(0.2) { self.surname() } else { family };
            let year = if i < 2 {
                adult_born.saturating_sub(self.span(6))
            } else {
                adult_born + 22 + self.span(18)
            };
            let mut person = self.person(surname, year.min(2024));
            let twin = if i > 2 && self.dice.happens(0.03) {
                people.last().map(|it: &Person| it.born)
            } else {
                None
            };
            person.born = twin.unwrap_or(person.born);
            // A child is sometimes called after a parent.
            let namesake = if i > 1 && self.dice.happens(0.03) {
                people.first().map(|it: &Person| it.given)
            } else {
                None
            };
            person.given = namesake.unwrap_or(person.given);
            people.push(person);
        }
        people
    }

    fn span(&mut self, n: usize) -> u32 {
        u32::try_from(self.dice.below(n)).unwrap_or(0)
    }

    fn surname(&mut self) -> usize {
        self.zipf(30_000, 4.0)
    }

    /// A rank of a Zipf law with exponent `1 - 1/power`.
    fn zipf(&mut self, n: usize, power: f64) -> usize {
        let at = libm::pow(self.dice.fraction(), power);
        spelling::scaled(at, n)
    }

    fn person(&mut self, surname: usize, year: u32) -> Person {
        let given = self.zipf(1_500, 5.0);
        let born = (year, 1 + self.span(12), 1 + self.span(28));
        let handle = match self.dice.below(3) {
            0 => format!("{}.{}", given_name(given), surname_of(surname)),
            1 => given_name(given),
            _ => surname_of(surname),
        };
        Person {
            given,
            surname,
            born,
            email: self.mailbox(&handle),
            mobile: format!("+4917{}", self.own()),
            national_id: self.digits(11),
            marries: self.dice.happens(0.06).then(|| self.surname()),
        }
    }

    /// The records of one person, in the order of their life: what changed stays changed.
    fn tell(&mut self, person: &Person, home: &Home, id: u32, told: &mut Vec<Told>) {
        let records = self.pick(&[(1, 0.45), (2, 0.30), (3, 0.15), (4, 0.07), (5, 0.03)]);
        let (mut person, mut home) = (person.clone(), home.clone());
        for record in 0..records {
            if record > 0 {
                if self.dice.happens(0.12) {
                    home = self.home();
                }
                if self.dice.happens(0.12) {
                    person.mobile = format!("+4917{}", self.own());
                }
                if self.dice.happens(0.12) {
                    person.email = self.mailbox(&given_name(person.given));
                }
                if let Some(surname) = person.marries.filter(|_| record * 2 >= records) {
                    person.surname = surname;
                }
            }
            let values = self.record(&person, &home);
            told.push(Told { values, person: id });
        }
    }

    fn record(&mut self, person: &Person, home: &Home) -> [String; 9] {
        let mut given = given_name(person.given);
        if self.dice.happens(0.06) {
            given = nickname(person.given);
        } else if self.dice.happens(0.03) {
            given.truncate(1);
        }
        let given = self.blur(given, 0.05, 0.02);
        let surname = self.blur(surname_of(person.surname), 0.05, 0.01);
        let (given, surname) =
            if self.dice.happens(0.01) { (surname, given) } else { (given, surname) };
        let email = match &home.email {
            Some(it) if self.dice.happens(0.5) => it.clone(),
            _ => person.email.clone(),
        };
        let phone = match &home.landline {
            Some(it) if self.dice.happens(0.4) => it.clone(),
            _ => person.mobile.clone(),
        };
        let has_address = !self.dice.happens(0.05);
        let address = |it: String| if has_address { it } else { String::new() };
        [
            given,
            surname,
            self.born(person.born),
            address(self.blur(home.street.clone(), 0.08, 0.0)),
            address(self.blur(home.number.clone(), 0.03, 0.02)),
            address(self.blur(home.postcode.clone(), 0.03, 0.02)),
            self.blur(email, 0.03, 0.35),
            self.blur(phone, 0.03, 0.40),
            self.blur(person.national_id.clone(), 0.015, 0.70),
        ]
    }

    fn born(&mut self, (year, month, day): (u32, u32, u32)) -> String {
        if self.dice.happens(0.05) {
            return String::new();
        }
        let (month, day) =
            if self.dice.happens(0.015) && day <= 12 { (day, month) } else { (month, day) };
        let date = format!("{year:04}{month:02}{day:02}");
        let date = if self.dice.happens(0.04) { typo(date, &mut self.dice) } else { date };
        if date.len() == 8 { date } else { String::new() }
    }

    /// A value with a typo or a gap, each at its rate.
    fn blur(&mut self, value: String, typos: f64, gaps: f64) -> String {
        if self.dice.happens(gaps) {
            return if self.dice.happens(0.1) { "unknown".into() } else { String::new() };
        }
        if self.dice.happens(typos) { typo(value, &mut self.dice) } else { value }
    }
}

fn surname_of(rank: usize) -> String {
    surname(rank)
}
