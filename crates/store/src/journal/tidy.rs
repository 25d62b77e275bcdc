//! Taking away what age or erasing has made nobody's: a few statements over many rows at once.

use reeve_journal::{ShedJob, Tidy};
use sea_orm::{ConnectionTrait as _, Statement, Value};

use super::encode::Rows;
use super::transaction::{Stop, Writing};
use crate::row::job;

impl Writing<'_> {
    /// One step; the transaction is fenced already.
    pub(super) async fn tidy(&self, tidy: &Tidy) -> Result<(), Stop> {
        match tidy {
            Tidy::Shed(jobs) => self.shed(jobs).await,
            Tidy::AnswersBefore { at, count_max } => {
                self.delete(&self.sql.answers_before, (at.value().into(), *count_max)).await
            }
            Tidy::AnswersOf { workspace, count_max } => {
                self.delete(&self.sql.answers_of, (workspace.as_str().into(), *count_max)).await
            }
        }
    }

    async fn shed(&self, jobs: &[ShedJob]) -> Result<(), Stop> {
        let (mut shed, mut emptied, mut uploads) = (Rows::default(), Rows::default(), Rows::default());
        for job in jobs {
            job::write_shed(&mut shed, job);
            job::write_key(&mut uploads, job.id);
            if job.shed.content {
                job::write_key(&mut emptied, job.id);
            }
        }
        self.execute(&self.sql.jobs_shed, &shed).await?;
        self.execute(&self.sql.jobs_emptied, &emptied).await?;
        // Uploads of a job that turned out to be live are still needed; the caller names closed ones only, and a
        // closed job never lives again.
        self.execute(&self.sql.uploads_gone, &uploads).await?;
        Ok(())
    }

    async fn delete(&self, sql: &str, (which, count_max): (Value, u32)) -> Result<(), Stop> {
        let values = [which, i64::from(count_max).into()];
        self.written.statement(1, 0);
        self.txn.execute_raw(Statement::from_sql_and_values(self.backend, sql, values)).await?;
        Ok(())
    }
}
