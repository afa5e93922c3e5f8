//! The store of plans in the database.

use async_trait::async_trait;
use onramp::{ApprovalRecord, ApprovalsEnded, Plan, PlanApproval, PlanStore, StoredPlan};
use onramp_core::{Error, ErrorKind, Result};
use rusqlite::{OptionalExtension, params};
use time::OffsetDateTime;

use crate::database::SqliteStore;

fn not_found(digest: &str) -> Error {
    Error::new(ErrorKind::NotFound, "find the stored plan").with_object(digest)
}

fn invalid(digest: &str, detail: impl ToString) -> Error {
    Error::new(ErrorKind::Invalid, "read the stored plan")
        .with_object(digest)
        .with_detail(detail.to_string())
        .with_hint("Do not apply it. Make a new plan.")
}

impl SqliteStore {
    /// Adds a record to a plan.
    async fn append(&self, digest: &str, record: &ApprovalRecord) -> Result<()> {
        let digest = digest.to_owned();
        let record = serde_json::to_string(record).map_err(|error| invalid(&digest, error))?;
        self.write("store the approval in", move |transaction| {
            let is_stored = transaction
                .query_row("SELECT 1 FROM plan WHERE digest = ?1", [&digest], |_| Ok(()))
                .optional()?;
            is_stored.ok_or_else(|| not_found(&digest))?;
            transaction
                .execute("INSERT INTO approval (digest, approval) VALUES (?1, ?2)", [&digest, &record])?;
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl PlanStore for SqliteStore {
    async fn save(&self, plan: &Plan, author: &str, saved_at: OffsetDateTime) -> Result<()> {
        let (digest, author, mut lines) = (plan.digest(), author.to_owned(), Vec::new());
        let failed = |detail: String| {
            Error::new(ErrorKind::Invalid, "store the plan").with_object(&digest).with_detail(detail)
        };
        plan.write(&mut lines).map_err(|error| failed(error.to_string()))?;
        let saved_at =
            i64::try_from(saved_at.unix_timestamp_nanos()).map_err(|error| failed(error.to_string()))?;
        self.write("store the plan in", move |transaction| {
            transaction.execute(
                "INSERT INTO plan (digest, author, saved_at, lines) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                params![digest, author, saved_at, lines],
            )?;
            Ok(())
        })
        .await
    }

    async fn approve(&self, digest: &str, approval: &PlanApproval) -> Result<()> {
        self.append(digest, &ApprovalRecord::Approval(approval.clone())).await
    }

    async fn end_approvals(&self, digest: &str, end: &ApprovalsEnded) -> Result<()> {
        self.append(digest, &ApprovalRecord::Ended(end.clone())).await
    }

    async fn load(&self, digest: &str) -> Result<StoredPlan> {
        let key = digest.to_owned();
        let found = self
            .read("read the stored plan in", move |connection| {
                let plan = connection
                    .query_row("SELECT author, saved_at, lines FROM plan WHERE digest = ?1", [&key], |row| {
                        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?))
                    })
                    .optional()?;
                let mut query =
                    connection.prepare("SELECT approval FROM approval WHERE digest = ?1 ORDER BY place")?;
                let approvals =
                    query.query_map([&key], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
                Ok(plan.map(|plan| (plan, approvals)))
            })
            .await?;
        let ((author, saved_at, lines), approvals) = found.ok_or_else(|| not_found(digest))?;
        let plan = Plan::read(lines.as_slice()).map_err(|error| invalid(digest, error))?;
        if plan.digest() != digest {
            return Err(invalid(
                digest,
                "it is another plan: its digest is not the one that it is stored under",
            ));
        }
        let saved_at = OffsetDateTime::from_unix_timestamp_nanos(saved_at.into());
        let saved_at = saved_at.map_err(|error| invalid(digest, error))?;
        let mut stored = StoredPlan::new(plan, author, saved_at);
        for approval in approvals {
            stored.add(serde_json::from_str(&approval).map_err(|error| invalid(digest, error))?);
        }
        Ok(stored)
    }

    async fn digests(&self) -> Result<Vec<String>> {
        self.read("list the stored plans in", |connection| {
            let mut query =
                connection.prepare("SELECT digest FROM plan ORDER BY saved_at DESC, place DESC")?;
            query.query_map([], |row| row.get(0))?.collect()
        })
        .await
    }
}
