//! Whom a request is about: identifiers travel in bodies, ids in paths.

use identity::{Identifier, service::ResolutionService};
use kernel::{Fault, NodeId, PersonAt, SubjectId, TenantId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::Problem;

/// The most identifiers one request may name a person by.
pub const IDENTIFIERS_MAX: usize = 8;

/// A person, by id or by what the caller knows.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonIn {
    /// The person's id, or any id they ever had.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "sub_0198c0de-0000-7000-8000-000000000001")]
    pub subject: Option<SubjectId>,
    /// What the caller knows: 1 to 8 identifiers of one person.
    #[serde(default)]
    pub identifiers: Vec<IdentifierIn>,
}

/// One identifier.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentifierIn {
    /// The namespace (`user_id`, `crm_id`, `email`, …).
    #[schema(example = "user_id")]
    pub namespace: String,
    /// The value.
    #[schema(example = "U000123")]
    pub value: String,
}

impl std::fmt::Debug for IdentifierIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IdentifierIn({}:..)", self.namespace)
    }
}

/// A person and the node at which something about them is kept.
#[derive(Debug, Clone)]
pub struct Found {
    /// The person.
    pub person: PersonAt,
    /// The node.
    pub at: NodeId,
}

impl PersonIn {
    /// The person, or a problem that says nothing about who exists.
    pub async fn find(
        &self,
        people: &ResolutionService,
        tenant: &TenantId,
    ) -> Result<Found, Problem> {
        self.resolve(people, tenant).await?.ok_or_else(|| {
            Problem::unprocessable("identity", "unknown-person", "nobody is known by that")
        })
    }

    /// The person, if there is one; a problem where the question itself is unclear.
    pub async fn resolve(
        &self,
        people: &ResolutionService,
        tenant: &TenantId,
    ) -> Result<Option<Found>, Problem> {
        let found = resolve_each(people, tenant, &[self]).await;
        Ok(found.map_err(|(_, problem)| problem)?.pop().flatten())
    }

    fn asked(&self) -> Result<Named, Problem> {
        match (self.subject, self.identifiers.len()) {
            (Some(subject), 0) => Ok(Named::Subject(subject)),
            (None, 1..=IDENTIFIERS_MAX) => {
                let stated =
                    self.identifiers.iter().map(|it| Identifier::stated(&it.namespace, &it.value));
                Ok(Named::Identifiers(stated.collect()))
            }
            _ => Err(Problem::unprocessable(
                "identity",
                "person-unclear",
                "name the person by `subject` or by 1 to 8 `identifiers`",
            )),
        }
    }
}

/// How a request names a person.
enum Named {
    Subject(SubjectId),
    Identifiers(Vec<Identifier>),
}

/// Whom each of these names, in order, read at once; a problem, with the place of the unclear one.
pub async fn resolve_each(
    people: &ResolutionService,
    tenant: &TenantId,
    asked: &[&PersonIn],
) -> Result<Vec<Option<Found>>, (Option<usize>, Problem)> {
    let (mut ids, mut lists, mut is_listed) = (Vec::new(), Vec::new(), Vec::new());
    for (i, it) in asked.iter().enumerate() {
        match it.asked().map_err(|problem| (Some(i), problem))? {
            Named::Subject(subject) => ids.push(subject.uuid()),
            Named::Identifiers(list) => lists.push(list),
        }
        is_listed.push(it.subject.is_none());
    }
    let fault = |it: Fault| (None, Problem::from(it));
    let by_id = people.people(tenant, &ids).await.map_err(fault)?;
    let mut by_id = by_id.into_iter().map(|it| it.map(|it| it.at()));
    let mut by_list = people.find_each(tenant, &lists).await.map_err(fault)?.into_iter();
    let person = |it| if it { by_list.next() } else { by_id.next() }.flatten();
    let found = |person: PersonAt| Found { at: NodeId::from_uuid(person.subject.uuid()), person };
    Ok(is_listed.into_iter().map(person).map(|it| it.map(found)).collect())
}

/// The person of an id in a path.
pub async fn by_id(
    people: &ResolutionService,
    tenant: &TenantId,
    id: SubjectId,
) -> Result<Found, Problem> {
    let person = people.person(tenant, id.uuid()).await?;
    let person = person.ok_or_else(|| Problem::not_found("person"))?;
    let at = NodeId::from_uuid(person.subject.uuid());
    Ok(Found { person, at })
}
