//! Leases on SQL, plain and traced.

use adapters::{sql::lease::SqlLeases, traced::Traced};
use async_trait::async_trait;
use kernel::{LeaseBook, contract::lease::LeaseFixture};

use super::{Fresh, fresh};

struct Fixture<B> {
    book: B,
    _fresh: Fresh,
}

#[async_trait]
impl<B: LeaseBook> LeaseFixture for Fixture<B> {
    fn book(&self) -> &dyn LeaseBook {
        &self.book
    }
}

async fn over<B>(wrap: impl FnOnce(SqlLeases) -> B) -> Fixture<B> {
    let fresh = fresh().await;
    Fixture { book: wrap(SqlLeases::new(fresh.database.clone())), _fresh: fresh }
}

kernel::lease_suite!(sql, super::over(|it| it));
kernel::lease_suite!(traced_sql, super::over(super::Traced::new));
