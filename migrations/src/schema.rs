//! A table in a form that both databases understand, so that they cannot drift apart.
//!
//! Used by the steps of this package only. Raw text is built instead of sea-query's statements because
//! three things matter here that those cannot say for both: `STRICT`, `WITHOUT ROWID` and fill factors.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// What a column holds. Times are milliseconds and amounts are micro-credits, both as `Int`.
#[derive(Clone, Copy)]
pub(crate) enum Type {
    Text,
    Int,
    Bytes,
    /// Counts up by itself and is never used twice; the primary key of its table.
    Serial,
}

/// One column.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    name: &'static str,
    kind: Type,
    nullable: bool,
}

pub(crate) const fn text(name: &'static str) -> Column {
    Column { name, kind: Type::Text, nullable: false }
}

pub(crate) const fn int(name: &'static str) -> Column {
    Column { name, kind: Type::Int, nullable: false }
}

pub(crate) const fn bytes(name: &'static str) -> Column {
    Column { name, kind: Type::Bytes, nullable: false }
}

pub(crate) const fn serial(name: &'static str) -> Column {
    Column { name, kind: Type::Serial, nullable: false }
}

impl Column {
    /// The same column with nulls.
    pub(crate) const fn or_null(self) -> Self {
        Self { nullable: true, ..self }
    }

    fn sql(self, backend: DbBackend) -> String {
        let sqlite = matches!(backend, DbBackend::Sqlite);
        let kind = match self.kind {
            Type::Text if sqlite => "TEXT",
            // Bytes, not a locale, order ids: pages compare them as the code does.
            Type::Text => "TEXT COLLATE \"C\"",
            Type::Int if sqlite => "INTEGER",
            Type::Int => "BIGINT",
            Type::Bytes if sqlite => "BLOB",
            Type::Bytes => "BYTEA",
            // AUTOINCREMENT, because without it SQLite gives the id of a deleted last row out again, and a
            // reader that remembers the last id it saw would miss the new row.
            Type::Serial if sqlite => return format!("{} INTEGER PRIMARY KEY AUTOINCREMENT", self.name),
            Type::Serial => return format!("{} BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", self.name),
        };
        let null = if self.nullable { "" } else { " NOT NULL" };
        format!("{} {kind}{null}", self.name)
    }
}

/// How rows lie on disk.
#[derive(Clone, Copy)]
pub(crate) enum Storage {
    /// In order of arrival, with the primary key beside them: for large rows.
    Heap,
    /// In order of the primary key (SQLite only): for small rows read by ranges of it.
    ByKey,
    /// As `Heap`; rows are rewritten, so PostgreSQL leaves room on each page to do it in place.
    Rewritten,
}

/// One table.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    /// Empty when a `Serial` column is the key.
    pub(crate) key: &'static str,
    pub(crate) storage: Storage,
    /// Further constraints, valid in both dialects.
    pub(crate) constraints: &'static [&'static str],
    /// Index statements, valid in both dialects.
    pub(crate) indexes: &'static [&'static str],
}

impl Table {
    /// Creates the table and its indexes.
    pub(crate) async fn create(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared(&self.sql(manager.get_database_backend())).await?;
        for index in self.indexes {
            db.execute_unprepared(index).await?;
        }
        Ok(())
    }

    /// Names of all columns, parted by commas.
    pub(crate) fn names(&self) -> String {
        self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }

    fn sql(&self, backend: DbBackend) -> String {
        let mut lines: Vec<String> = self.columns.iter().map(|column| column.sql(backend)).collect();
        if !self.key.is_empty() {
            lines.push(format!("PRIMARY KEY ({})", self.key));
        }
        lines.extend(self.constraints.iter().map(|constraint| (*constraint).to_owned()));
        let tail = match (backend, self.storage) {
            (DbBackend::Sqlite, Storage::ByKey) => " STRICT, WITHOUT ROWID",
            (DbBackend::Sqlite, _) => " STRICT",
            (_, Storage::Rewritten) => " WITH (fillfactor = 75)",
            _ => "",
        };
        format!("CREATE TABLE {} (\n  {}\n){tail}", self.name, lines.join(",\n  "))
    }
}

/// Makes a step of one table.
macro_rules! step {
    ($table:expr) => {
        use sea_orm_migration::prelude::*;

        #[derive(DeriveMigrationName)]
        pub(crate) struct Migration;

        #[async_trait::async_trait]
        impl MigrationTrait for Migration {
            async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                $table.create(manager).await
            }

            /// SQLite would run a step outside a transaction: a kill between its statements would leave half of it.
            fn use_transaction(&self) -> Option<bool> {
                Some(true)
            }
        }
    };
}
pub(crate) use step;
