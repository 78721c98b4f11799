BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE comments (
	id VARCHAR(16) NOT NULL, 
	story INTEGER NOT NULL, 
	parent VARCHAR(16), 
	thread VARCHAR(16) NOT NULL, 
	born BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	source TEXT NOT NULL, 
	text TEXT NOT NULL, 
	waiting_source TEXT, 
	waiting_text TEXT, 
	name TEXT, 
	email TEXT, 
	website TEXT, 
	role VARCHAR(10), 
	reader VARCHAR(32) NOT NULL, 
	copy INTEGER, 
	lang VARCHAR(35), 
	created_at BIGINT NOT NULL, 
	edited_at BIGINT, 
	pinned BOOLEAN NOT NULL, 
	client_key VARCHAR(64) NOT NULL, 
	version BIGINT NOT NULL, 
	counts TEXT NOT NULL, 
	score INTEGER NOT NULL, 
	CONSTRAINT pk_comments PRIMARY KEY (id), 
	CONSTRAINT fk_comments_copy FOREIGN KEY(copy) REFERENCES copies (id), 
	CONSTRAINT fk_comments_story FOREIGN KEY(story) REFERENCES stories (id), 
	CONSTRAINT uq_comments_story_reader_client_key UNIQUE (story, reader, client_key)
);
INSERT INTO "comments" VALUES('first0000000',1,NULL,'first0000000',1,3,'published','Edited','["Edited"]',NULL,NULL,'Ana',NULL,NULL,NULL,'reader1',1,NULL,1000,3000,0,'key-first0000000',1,'{"surprised":0,"thinking":0,"happy":1,"sad":0,"fired_up":0}',1);
INSERT INTO "comments" VALUES('reply0000000',1,'first0000000','first0000000',2,2,'published','Hello','["Hello"]',NULL,NULL,'Ana',NULL,NULL,NULL,'reader1',1,NULL,1000,NULL,0,'key-reply0000000',2,'{"surprised":0,"thinking":0,"happy":1,"sad":0,"fired_up":0}',1);
CREATE TABLE copies (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	story INTEGER NOT NULL, 
	jti VARCHAR(64) NOT NULL, 
	origin VARCHAR(300) NOT NULL, 
	label TEXT, 
	lang VARCHAR(35), 
	page TEXT, 
	first_seen BIGINT NOT NULL, 
	last_seen BIGINT NOT NULL, 
	CONSTRAINT fk_copies_story FOREIGN KEY(story) REFERENCES stories (id), 
	CONSTRAINT uq_copies_story_jti_origin UNIQUE (story, jti, origin)
);
INSERT INTO "copies" VALUES(1,1,'j1','https://copy.example','Copy','en',NULL,1795411488983,1795411488983);
CREATE TABLE meta (
	"key" VARCHAR(40) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('epoch','d7761ff30abe9547');
INSERT INTO "meta" VALUES('made_at','1795411488873');
CREATE TABLE reactions (
	story INTEGER NOT NULL, 
	target VARCHAR(16) NOT NULL, 
	reader VARCHAR(32) NOT NULL, 
	reaction VARCHAR(30) NOT NULL, 
	copy INTEGER, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_reactions PRIMARY KEY (story, target, reader), 
	CONSTRAINT fk_reactions_copy FOREIGN KEY(copy) REFERENCES copies (id), 
	CONSTRAINT fk_reactions_story FOREIGN KEY(story) REFERENCES stories (id)
);
INSERT INTO "reactions" VALUES(1,'first0000000','reader2','happy',1,2000);
INSERT INTO "reactions" VALUES(1,'reply0000000','reader2','happy',1,2000);
INSERT INTO "reactions" VALUES(1,'','reader2','sad',1,2000);
CREATE TABLE reports (
	comment VARCHAR(16) NOT NULL, 
	reader VARCHAR(32) NOT NULL, 
	reason TEXT, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_reports PRIMARY KEY (comment, reader), 
	CONSTRAINT fk_reports_comment FOREIGN KEY(comment) REFERENCES comments (id)
);
CREATE TABLE revoked_tokens (
	site VARCHAR(40) NOT NULL, 
	jti VARCHAR(64) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_revoked_tokens PRIMARY KEY (site, jti), 
	CONSTRAINT fk_revoked_tokens_site FOREIGN KEY(site) REFERENCES sites (slug)
);
CREATE TABLE sites (
	slug VARCHAR(40) NOT NULL, 
	name TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	oldest INTEGER NOT NULL, 
	settings TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_sites PRIMARY KEY (slug)
);
INSERT INTO "sites" VALUES('paper','A paper',2,1,'{}',1795411488953);
CREATE TABLE stories (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	code VARCHAR(12) NOT NULL, 
	site VARCHAR(40) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	title TEXT, 
	author TEXT, 
	publisher TEXT, 
	url TEXT, 
	license TEXT NOT NULL, 
	attributed BIGINT NOT NULL, 
	closed BOOLEAN NOT NULL, 
	notice TEXT, 
	seq BIGINT NOT NULL, 
	tallies BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	counts TEXT NOT NULL, 
	published INTEGER NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT fk_stories_site FOREIGN KEY(site) REFERENCES sites (slug), 
	CONSTRAINT uq_stories_code UNIQUE (code), 
	CONSTRAINT uq_stories_site_key UNIQUE (site, "key")
);
INSERT INTO "stories" VALUES(1,'frozenstory1','paper','s','A title',NULL,NULL,NULL,'CC-BY-4.0',1,0,NULL,3,3,3,'{"surprised":0,"thinking":0,"happy":0,"sad":1,"fired_up":0}',2,1795411488972);
CREATE TABLE used_identities (
	site VARCHAR(40) NOT NULL, 
	jti VARCHAR(64) NOT NULL, 
	exp BIGINT NOT NULL, 
	CONSTRAINT pk_used_identities PRIMARY KEY (site, jti), 
	CONSTRAINT fk_used_identities_site FOREIGN KEY(site) REFERENCES sites (slug)
);
CREATE INDEX ix_comments_pending ON comments (story) WHERE born = 0 OR waiting_source IS NOT NULL;
CREATE INDEX ix_comments_pinned ON comments (story) WHERE parent IS NULL AND pinned AND 0 <> born;
CREATE INDEX ix_comments_reader ON comments (reader);
CREATE INDEX ix_comments_story_seq ON comments (story, seq);
CREATE INDEX ix_comments_story_version ON comments (story, version) WHERE version > 0;
CREATE INDEX ix_comments_thread ON comments (thread, born);
CREATE INDEX ix_comments_top_born ON comments (story, born) WHERE parent IS NULL AND born <> 0;
CREATE INDEX ix_comments_top_score ON comments (story, score, born) WHERE parent IS NULL AND born <> 0;
CREATE INDEX ix_reactions_reader_story ON reactions (reader, story);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('stories',1);
INSERT INTO "sqlite_sequence" VALUES('copies',1);
COMMIT;
