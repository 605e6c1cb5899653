BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'faregate_state','m001_access','2026-12-01 00:15:27.186843+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'faregate_state','m002_meta','2026-12-01 00:15:27.187159+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'faregate_state','m003_provider_keys','2026-12-01 00:15:27.187498+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'faregate_state','m004_price_overrides','2026-12-01 00:15:27.187734+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'faregate_state','m005_comparisons','2026-12-01 00:15:27.188599+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'faregate_state','m006_aliases','2026-12-01 00:15:27.188897+00:00');
INSERT INTO "_sqlite_migrations" VALUES(7,'faregate_state','m007_estimates','2026-12-01 00:15:27.189207+00:00');
CREATE TABLE "aliases" (
   "name" TEXT PRIMARY KEY,
   "model" TEXT NOT NULL,
   "made_us" INTEGER NOT NULL
);
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
CREATE TABLE "compared_answers" (
   "request_id" TEXT PRIMARY KEY,
   "comparison" TEXT NOT NULL,
   "place" INTEGER NOT NULL,
   "model_requested" TEXT NOT NULL,
   "model" TEXT NOT NULL,
   "provider" TEXT,
   "outcome" TEXT NOT NULL,
   "error_type" TEXT,
   "input_tokens" INTEGER,
   "output_tokens" INTEGER,
   "reasoning_tokens" INTEGER,
   "cost_nano" INTEGER,
   "cost_source" TEXT NOT NULL,
   "ttft_us" INTEGER,
   "latency_us" INTEGER,
   "stars" INTEGER,
   "note" BLOB,
   "rated_us" INTEGER
, cost_estimated INTEGER NOT NULL DEFAULT 0);
INSERT INTO "compared_answers" VALUES('req_1','cmp_1',0,'gpt-5','gpt-5','openai','ok',NULL,NULL,12,NULL,3400,'list',NULL,NULL,4,X'01FE',1767224500000000,0);
CREATE TABLE "comparisons" (
   "id" TEXT PRIMARY KEY,
   "at_us" INTEGER NOT NULL,
   "owner" TEXT NOT NULL,
   "key" TEXT NOT NULL,
   "prompt_hash" TEXT NOT NULL,
   "prompt" BLOB
);
INSERT INTO "comparisons" VALUES('cmp_1',1767224400000000,'key_1','laptop','0123456789abcdef01234567',X'00FF');
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
CREATE INDEX "idx_comparisons_at_us"
    ON "comparisons" ("at_us");
CREATE INDEX "idx_compared_answers_comparison_place"
    ON "compared_answers" ("comparison", "place");
CREATE INDEX idx_compared_answers_rated ON compared_answers(rated_us) WHERE stars IS NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('price_overrides',1);
COMMIT;
