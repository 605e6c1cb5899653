BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'faregate_state','m001_access','2026-11-28 09:45:16.392138+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'faregate_state','m002_meta','2026-11-28 09:45:16.392486+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'faregate_state','m003_provider_keys','2026-11-28 09:45:16.392818+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'faregate_state','m004_price_overrides','2026-11-28 09:45:16.393091+00:00');
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
CREATE TABLE "meta" (
   "name" TEXT PRIMARY KEY,
   "value" TEXT NOT NULL
);
INSERT INTO "meta" VALUES('folder_id','0123456789abcdef');
CREATE TABLE price_overrides (id INTEGER PRIMARY KEY AUTOINCREMENT, provider TEXT NOT NULL, model TEXT NOT NULL, valid_from_us INTEGER, valid_to_us INTEGER, prices TEXT NOT NULL, tier_start INTEGER, tier_prices TEXT, note TEXT NOT NULL, created_us INTEGER NOT NULL, removed_us INTEGER);
INSERT INTO "price_overrides" VALUES(1,'openai','gpt-5',1767224400000000,NULL,'{"input":"0.5","output":"2"}',NULL,NULL,'our contract',1767224400000000,NULL);
CREATE TABLE "provider_keys" (
   "backend" TEXT,
   "provider" TEXT,
   "slot" TEXT,
   "stored_us" INTEGER NOT NULL,
   PRIMARY KEY ("backend", "provider", "slot")
);
INSERT INTO "provider_keys" VALUES('keyring','openai','a',1767224400000000);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE UNIQUE INDEX "idx_api_keys_sha256"
    ON "api_keys" ("sha256");
CREATE UNIQUE INDEX idx_api_keys_live_name ON api_keys(name) WHERE revoked_us IS NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('price_overrides',1);
COMMIT;
