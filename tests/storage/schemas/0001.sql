BEGIN TRANSACTION;
CREATE TABLE feedback (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(64) NOT NULL, 
	observation VARCHAR(64) NOT NULL, 
	time DOUBLE NOT NULL, 
	label TEXT, 
	correct BOOLEAN, 
	text TEXT, 
	"key" VARCHAR(200), 
	CONSTRAINT feedback_key UNIQUE (observation, "key"), 
	UNIQUE (id), 
	FOREIGN KEY(observation) REFERENCES observations (id) ON DELETE CASCADE
);
INSERT INTO "feedback" VALUES(1,'a','00000000000000000000000000000001',1.0,'bad',NULL,'It''s "wrong"
很差','k');
INSERT INTO "feedback" VALUES(2,'b','00000000000000000000000000000001',2.0,NULL,1,NULL,NULL);
CREATE TABLE feilun_schema (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT feilun_schema_pkc PRIMARY KEY (version_num)
);
INSERT INTO "feilun_schema" VALUES('0001');
CREATE TABLE observations (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR(64) NOT NULL, 
	time DOUBLE NOT NULL, 
	model VARCHAR(200) NOT NULL, 
	version VARCHAR(80) NOT NULL, 
	text TEXT NOT NULL, 
	prediction JSON NOT NULL, 
	latency DOUBLE NOT NULL, 
	UNIQUE (id)
);
INSERT INTO "observations" VALUES(1,'00000000000000000000000000000000',0.0,'舆情','1','送餐很快 0 😀','{"label": "good", "score": 0.9, "abstained": false, "ranked": [{"label": "good", "score": 0.9}]}',0.002);
INSERT INTO "observations" VALUES(2,'00000000000000000000000000000001',1.0,'舆情','1','送餐很快 1 😀','{"label": "good", "score": 0.9, "abstained": false, "ranked": [{"label": "good", "score": 0.9}]}',0.002);
INSERT INTO "observations" VALUES(3,'00000000000000000000000000000002',2.0,'舆情','1','送餐很快 2 😀','{"label": "good", "score": 0.9, "abstained": false, "ranked": [{"label": "good", "score": 0.9}]}',0.002);
CREATE INDEX observations_of_model ON observations (model, sequence);
CREATE INDEX observations_by_time ON observations (model, time);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('observations',3);
INSERT INTO "sqlite_sequence" VALUES('feedback',2);
COMMIT;
