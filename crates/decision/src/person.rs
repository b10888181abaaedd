//! A person, as decisions are given one.

use kernel::{NodeId, PersonAt};

use crate::occurrence::SubjectKey;

/// A person and the key of their occurrences.
#[derive(Debug, Clone)]
pub struct Person {
    /// As resolved now.
    pub at: PersonAt,
    /// Those of the nodes that are nobody else's as well: what is said there is about this person
    /// alone.
    pub own: Vec<NodeId>,
    /// Names their occurrences.
    pub key: SubjectKey,
}

impl Person {
    /// The person without what is shared with others.
    pub fn alone(&self) -> PersonAt {
        PersonAt { nodes: self.own.clone(), ..self.at.clone() }
    }
}
