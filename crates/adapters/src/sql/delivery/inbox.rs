//! The sandbox's letters on SQL.

use std::sync::Arc;

use async_trait::async_trait;
use delivery::ports::{Inbox, Letter};
use kernel::{Cursor, DeliveryId, Fault, Limit, Page, SubjectId, TenantId};
use sea_orm::{
    ConnectionTrait, Order,
    sea_query::{Alias, Expr, ExprTrait, OnConflict, Query},
};

use super::{
    INBOX, all, col, eq,
    rows::{LETTER_COLUMNS, LetterRow, letter_row},
    select,
    store::{after_id, page},
};
use crate::sql::{Database, fault};

/// [`Inbox`] on SQL.
#[derive(Debug, Clone)]
pub struct SqlInbox {
    database: Arc<Database>,
}

impl SqlInbox {
    /// The letters of this database.
    pub const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Inbox for SqlInbox {
    async fn put(&self, letter: Letter) -> Result<(), Fault> {
        let insert = Query::insert()
            .into_table(Alias::new(INBOX))
            .columns(LETTER_COLUMNS.map(Alias::new))
            .values_panic(letter_row(&letter).map(Expr::value))
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .to_owned();
        let write = self.database.begin("delivery.inbox.put").await?;
        write.execute(&insert).await.map_err(fault("keeping a letter"))?;
        write.commit().await
    }

    async fn get(&self, tenant: &TenantId, id: DeliveryId) -> Result<Option<Letter>, Fault> {
        let query = select(INBOX, LETTER_COLUMNS)
            .and_where(eq("tenant", tenant.as_str()))
            .and_where(eq("delivery", id.uuid()))
            .to_owned();
        let rows: Vec<LetterRow> =
            all(self.database.reader(), &query).await.map_err(fault("reading a letter"))?;
        rows.into_iter().next().map(Letter::try_from).transpose()
    }

    async fn page(
        &self,
        tenant: &TenantId,
        subject: Option<SubjectId>,
        after: Option<Cursor>,
        limit: Limit,
    ) -> Result<Page<Letter>, Fault> {
        let mut query = select(INBOX, LETTER_COLUMNS);
        query.and_where(eq("tenant", tenant.as_str()));
        if let Some(subject) = subject {
            query.and_where(eq("subject", subject.uuid()));
        }
        if let Some(after) = after_id(after)? {
            query.and_where(col("delivery").lt(after.uuid()));
        }
        query.order_by(Alias::new("delivery"), Order::Desc).limit(u64::from(limit.get()) + 1);
        let rows: Vec<LetterRow> =
            all(self.database.reader(), &query).await.map_err(fault("listing letters"))?;
        let items = rows.into_iter().map(Letter::try_from).collect::<Result<_, _>>()?;
        Ok(page(items, limit, |it: &Letter| it.delivery))
    }
}
