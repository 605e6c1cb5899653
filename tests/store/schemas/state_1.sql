BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'faregate_state','m001_access','2026-11-28 09:45:16.863512+00:00');
CREATE TABLE "api_keys" (
   "id" TEXT PRIMARY KEY,
   "name" TEXT NOT NULL,
   "prefix" TEXT NOT NULL,
   "sha256" TEXT NOT NULL,
   "role" TEXT NOT NULL,
   "user" TEXT,
   "tags" TEXT NOT NULL,
   "created_us" INTEGER NOT NULL,
   "last_used_us" INTEGER,
   "revoked_us" INTEGER
);
INSERT INTO "api_keys" VALUES('key_1','laptop','tk_abcd','digest-1','admin','ada','["team:ml"]',1767224400000000,NULL,NULL);
INSERT INTO "api_keys" VALUES('key_2','laptop','tk_efgh','digest-2','read',NULL,'[]',1767224400000000,1767224500000000,1767224600000000);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE UNIQUE INDEX "idx_api_keys_sha256"
    ON "api_keys" ("sha256");
CREATE UNIQUE INDEX idx_api_keys_live_name ON api_keys(name) WHERE revoked_us IS NULL;
COMMIT;
