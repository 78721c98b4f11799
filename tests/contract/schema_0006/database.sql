BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0006');
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
	score INTEGER NOT NULL, vouched BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_comments PRIMARY KEY (id), 
	CONSTRAINT fk_comments_copy FOREIGN KEY(copy) REFERENCES copies (id), 
	CONSTRAINT fk_comments_story FOREIGN KEY(story) REFERENCES stories (id), 
	CONSTRAINT uq_comments_story_reader_client_key UNIQUE (story, reader, client_key)
);
INSERT INTO "comments" VALUES('nNz3rNrHTnOv',1,NULL,'nNz3rNrHTnOv',1,1,'published','First!','[["p",null,"First!"]]',NULL,NULL,'Reader 0','r@x.example',NULL,NULL,'db3940a631085e344924144fe324028f',2,NULL,1795918629415,NULL,0,'fdee9e0f-98bd-4112-9ab0-78e1ea19d22f',12,'{"surprised":2,"thinking":0,"happy":1,"sad":0,"fired_up":0}',3,0);
INSERT INTO "comments" VALUES('yMbyWqQGg2eO',1,NULL,'yMbyWqQGg2eO',2,23,'published','**Bold** and *soft* with `code` and https://example.org/a?b=c&d','[["p",null,["strong",null,"Bold"]," and ",["em",null,"soft"]," with ",["code",null,"code"]," and ",["a",{"href":"https://example.org/a?b=c&d"},"https://example.org/a?b=c&d"]]]',NULL,NULL,'Reader 1','r@x.example',NULL,NULL,'db3940a631085e344924144fe324028f',2,NULL,1795918629429,NULL,1,'cc0736c2-11ac-4655-a094-89eee757b1e4',16,'{"surprised":1,"thinking":0,"happy":0,"sad":0,"fired_up":3}',4,0);
INSERT INTO "comments" VALUES('5cVyQR5iRMp1',1,NULL,'5cVyQR5iRMp1',3,21,'published','Edited words','[["p",null,"Edited words"]]',NULL,NULL,'Reader 2','r@x.example',NULL,NULL,'f3453d6f279e3bdcf75e39baa7892e26',1,NULL,1795918629439,1795918629969,0,'7c7d08b9-0d87-4a1d-b3b3-19b92fff6952',21,'{"surprised":2,"thinking":0,"happy":1,"sad":0,"fired_up":2}',5,0);
INSERT INTO "comments" VALUES('rOAYwjumnfTi',1,NULL,'rOAYwjumnfTi',4,22,'removed','','[]',NULL,NULL,NULL,NULL,NULL,NULL,'7f6bdb933512d4720b16df844c7716bf',2,NULL,1795918629447,NULL,0,'bc0e8d20-7693-4bd2-94b4-16498cfacf62',26,'{"surprised":0,"thinking":2,"happy":1,"sad":2,"fired_up":0}',5,0);
INSERT INTO "comments" VALUES('5rzCtfLxfSkp',1,NULL,'5rzCtfLxfSkp',5,24,'removed','','[]',NULL,NULL,NULL,NULL,NULL,NULL,'6eb4b9b25908b1c718f1ce486aa75918',3,NULL,1795918629457,NULL,0,'e025fb0b-be94-4ede-99ab-bb1b6db8cf8c',27,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":1}',1,0);
INSERT INTO "comments" VALUES('Bsev13R3fk8z',1,NULL,'Bsev13R3fk8z',6,6,'published','```
code
  block
```','[["pre",null,["code",null,"code\n  block"]]]',NULL,NULL,'Reader 5','r@x.example',NULL,NULL,'fe5fbec309df5faf79d1b538f04231fd',2,NULL,1795918629464,NULL,0,'1ab5f66c-3815-4d28-830d-d475bc0a094b',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('UzCFqjqHcn5u',1,NULL,'UzCFqjqHcn5u',7,7,'published','A line
and another

A paragraph','[["p",null,"A line",["br",null],"and another"],["p",null,"A paragraph"]]',NULL,NULL,'Reader 6','r@x.example',NULL,NULL,'b9736b0b188f617f14fc085dcdeb23a1',3,NULL,1795918629473,NULL,0,'870ff198-0f8c-4234-a906-4e7d6f32f3d9',28,'{"surprised":1,"thinking":0,"happy":0,"sad":0,"fired_up":0}',1,0);
INSERT INTO "comments" VALUES('ZQg10YrUIdj8',1,NULL,'ZQg10YrUIdj8',8,8,'published','It''s "fine" <b>really</b> & so on','[["p",null,"It''s \"fine\" <b>really</b> & so on"]]',NULL,NULL,'Reader 7','r@x.example',NULL,NULL,'e80e1e81eab8e7ef78169511cf442b6d',3,NULL,1795918629481,NULL,0,'4e2f7ef9-52e8-420e-9b76-c50c5f295084',33,'{"surprised":1,"thinking":1,"happy":1,"sad":2,"fired_up":0}',5,0);
INSERT INTO "comments" VALUES('VNS32AW6p0VB',1,'nNz3rNrHTnOv','nNz3rNrHTnOv',9,9,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'e80e1e81eab8e7ef78169511cf442b6d',3,NULL,1795918629488,NULL,0,'c6e50f8d-6747-4eba-9d4b-1d1d1c53cd60',34,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":1}',1,0);
INSERT INTO "comments" VALUES('DXm715KzgpXa',1,'nNz3rNrHTnOv','nNz3rNrHTnOv',10,10,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'91e556c4614294a6ba35990ad08a568e',1,NULL,1795918629499,NULL,0,'25456a24-9f13-4405-a522-0c025af9d337',39,'{"surprised":1,"thinking":0,"happy":0,"sad":3,"fired_up":1}',5,0);
INSERT INTO "comments" VALUES('yrT0iI2eNncH',1,'nNz3rNrHTnOv','nNz3rNrHTnOv',11,11,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'fe5fbec309df5faf79d1b538f04231fd',2,NULL,1795918629507,NULL,0,'81af4317-cf46-473a-8c5f-ff7eb612e92f',43,'{"surprised":1,"thinking":1,"happy":1,"sad":1,"fired_up":0}',4,0);
INSERT INTO "comments" VALUES('y5GRyAAF96IV',1,'yMbyWqQGg2eO','yMbyWqQGg2eO',12,12,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'e80e1e81eab8e7ef78169511cf442b6d',3,NULL,1795918629516,NULL,0,'abc5561b-af08-4cc9-a869-c4ca934211ec',46,'{"surprised":2,"thinking":0,"happy":0,"sad":0,"fired_up":1}',3,0);
INSERT INTO "comments" VALUES('U2jHijz6ZIZz',1,'yMbyWqQGg2eO','yMbyWqQGg2eO',13,13,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'7f6bdb933512d4720b16df844c7716bf',2,NULL,1795918629524,NULL,0,'8d56feb3-8960-4234-859d-a0e07414fef9',48,'{"surprised":0,"thinking":0,"happy":1,"sad":0,"fired_up":1}',2,0);
INSERT INTO "comments" VALUES('vf2nI3dZbPd3',1,'yMbyWqQGg2eO','yMbyWqQGg2eO',14,14,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'91e556c4614294a6ba35990ad08a568e',1,NULL,1795918629530,NULL,0,'d2ccd448-29ad-494d-87f7-4beb22136dbf',51,'{"surprised":0,"thinking":0,"happy":0,"sad":2,"fired_up":1}',3,0);
INSERT INTO "comments" VALUES('zJJzfmgd6APq',1,'5cVyQR5iRMp1','5cVyQR5iRMp1',15,15,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'b9736b0b188f617f14fc085dcdeb23a1',3,NULL,1795918629537,NULL,0,'76853c0a-a99f-4d29-ab18-f41d1d085906',53,'{"surprised":0,"thinking":1,"happy":0,"sad":1,"fired_up":0}',2,0);
INSERT INTO "comments" VALUES('Rxjjqt5d6AX1',1,'5cVyQR5iRMp1','5cVyQR5iRMp1',16,16,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'db3940a631085e344924144fe324028f',2,NULL,1795918629543,NULL,0,'3b7a493e-92d1-4c77-8b05-75bb39e1a133',58,'{"surprised":0,"thinking":1,"happy":2,"sad":1,"fired_up":1}',5,0);
INSERT INTO "comments" VALUES('wzhERY4UD8uh',1,'5cVyQR5iRMp1','5cVyQR5iRMp1',17,17,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'91e556c4614294a6ba35990ad08a568e',1,NULL,1795918629550,NULL,0,'cc589607-9e8f-4127-b2db-d76492f790ab',63,'{"surprised":1,"thinking":1,"happy":1,"sad":0,"fired_up":2}',5,0);
INSERT INTO "comments" VALUES('5sGolLSi7qtM',1,'rOAYwjumnfTi','rOAYwjumnfTi',18,18,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'db3940a631085e344924144fe324028f',2,NULL,1795918629557,NULL,0,'db08a7c3-21a1-4df6-a659-5640b3d6bf0e',66,'{"surprised":1,"thinking":0,"happy":0,"sad":0,"fired_up":2}',3,0);
INSERT INTO "comments" VALUES('ealmc4imXmDK',1,'rOAYwjumnfTi','rOAYwjumnfTi',19,19,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'b9736b0b188f617f14fc085dcdeb23a1',3,NULL,1795918629564,NULL,0,'c40b2f68-0c2c-49fc-a1ae-3627c11538ec',71,'{"surprised":1,"thinking":2,"happy":1,"sad":0,"fired_up":1}',5,0);
INSERT INTO "comments" VALUES('bhMgHwEBURzz',1,'rOAYwjumnfTi','rOAYwjumnfTi',20,20,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'7f6bdb933512d4720b16df844c7716bf',2,NULL,1795918629570,NULL,0,'2f92535a-cbfc-43b4-9be1-4abf0635f2fb',74,'{"surprised":1,"thinking":1,"happy":0,"sad":1,"fired_up":0}',3,0);
INSERT INTO "comments" VALUES('Of69FzU1YuY4',2,NULL,'Of69FzU1YuY4',1,1,'published','First!','[["p",null,"First!"]]',NULL,NULL,'Reader 0','r@x.example',NULL,NULL,'3e87dc6a72819d608b66fa277ad03d47',4,NULL,1795918630181,NULL,0,'82d486e9-ea14-4d7b-9476-1774628d0331',13,'{"surprised":1,"thinking":0,"happy":3,"sad":0,"fired_up":0}',4,0);
INSERT INTO "comments" VALUES('1ptevXoKmU5I',2,NULL,'1ptevXoKmU5I',2,23,'published','**Bold** and *soft* with `code` and https://example.org/a?b=c&d','[["p",null,["strong",null,"Bold"]," and ",["em",null,"soft"]," with ",["code",null,"code"]," and ",["a",{"href":"https://example.org/a?b=c&d"},"https://example.org/a?b=c&d"]]]',NULL,NULL,'Reader 1','r@x.example',NULL,NULL,'1527a4405d97d0d822a64f2012b9bfb5',4,NULL,1795918630187,NULL,1,'02640297-9b34-4c13-918d-88bcae25ec7b',15,'{"surprised":0,"thinking":0,"happy":1,"sad":0,"fired_up":1}',2,0);
INSERT INTO "comments" VALUES('RMqrgIlbcg8d',2,NULL,'RMqrgIlbcg8d',3,21,'published','Edited words','[["p",null,"Edited words"]]',NULL,NULL,'Reader 2','r@x.example',NULL,NULL,'16753f9f24c9649d8f3dbf03dc8c3275',6,NULL,1795918630192,1795918630691,0,'4ff7fce4-2367-482b-8d7e-5cfb39298f8a',17,'{"surprised":0,"thinking":0,"happy":0,"sad":2,"fired_up":0}',2,0);
INSERT INTO "comments" VALUES('8vMCXb0s1aP1',2,NULL,'8vMCXb0s1aP1',4,22,'removed','','[]',NULL,NULL,NULL,NULL,NULL,NULL,'16753f9f24c9649d8f3dbf03dc8c3275',6,NULL,1795918630198,NULL,0,'cb3f0c74-3602-4267-8416-831849efa45d',19,'{"surprised":0,"thinking":1,"happy":0,"sad":0,"fired_up":1}',2,0);
INSERT INTO "comments" VALUES('37qWi4UGGuIi',2,NULL,'37qWi4UGGuIi',5,24,'removed','','[]',NULL,NULL,NULL,NULL,NULL,NULL,'3e87dc6a72819d608b66fa277ad03d47',4,NULL,1795918630203,NULL,0,'e95023a6-5b16-4747-870e-26b91e2c8446',24,'{"surprised":2,"thinking":1,"happy":1,"sad":1,"fired_up":0}',5,0);
INSERT INTO "comments" VALUES('gvUqZHDhke10',2,NULL,'gvUqZHDhke10',6,6,'published','```
code
  block
```','[["pre",null,["code",null,"code\n  block"]]]',NULL,NULL,'Reader 5','r@x.example',NULL,NULL,'1527a4405d97d0d822a64f2012b9bfb5',4,NULL,1795918630209,NULL,0,'4c440c60-8868-4cb1-814a-3c43ccbc8fdd',26,'{"surprised":1,"thinking":0,"happy":0,"sad":1,"fired_up":0}',2,0);
INSERT INTO "comments" VALUES('gWUcTzeiGA1n',2,NULL,'gWUcTzeiGA1n',7,7,'published','A line
and another

A paragraph','[["p",null,"A line",["br",null],"and another"],["p",null,"A paragraph"]]',NULL,NULL,'Reader 6','r@x.example',NULL,NULL,'d128a1255c814aa8378da5b66101a86c',6,NULL,1795918630215,NULL,0,'9d343cff-44e7-4203-838d-12eaac74c343',30,'{"surprised":2,"thinking":1,"happy":1,"sad":0,"fired_up":0}',4,0);
INSERT INTO "comments" VALUES('bxSccXCfhoOP',2,NULL,'bxSccXCfhoOP',8,8,'published','It''s "fine" <b>really</b> & so on','[["p",null,"It''s \"fine\" <b>really</b> & so on"]]',NULL,NULL,'Reader 7','r@x.example',NULL,NULL,'dbebae158a7b024dc73ea091c21a352b',4,NULL,1795918630220,NULL,0,'bef6dbf8-a4e0-4d63-a125-00dc601fb685',34,'{"surprised":0,"thinking":3,"happy":1,"sad":0,"fired_up":0}',4,0);
INSERT INTO "comments" VALUES('quJ2Lt9W6COT',2,'Of69FzU1YuY4','Of69FzU1YuY4',9,9,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'3e87dc6a72819d608b66fa277ad03d47',4,NULL,1795918630225,NULL,0,'f33ece02-8987-4ed6-b7e0-484ea96e8c70',38,'{"surprised":0,"thinking":2,"happy":0,"sad":1,"fired_up":1}',4,0);
INSERT INTO "comments" VALUES('oAu1G5o2xylJ',2,'Of69FzU1YuY4','Of69FzU1YuY4',10,10,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'dbebae158a7b024dc73ea091c21a352b',4,NULL,1795918630230,NULL,0,'136abddb-1d77-42d3-abb7-aa14af15f330',44,'{"surprised":1,"thinking":1,"happy":1,"sad":2,"fired_up":1}',6,0);
INSERT INTO "comments" VALUES('v6QYmpWQ2TPB',2,'Of69FzU1YuY4','Of69FzU1YuY4',11,11,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'7255f828adf24088e1d010f6618a0c77',5,NULL,1795918630234,NULL,0,'3c512e94-f145-475b-ade2-13678330295d',47,'{"surprised":0,"thinking":1,"happy":1,"sad":0,"fired_up":1}',3,0);
INSERT INTO "comments" VALUES('oM99LACeiEyM',2,'1ptevXoKmU5I','1ptevXoKmU5I',12,12,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'16753f9f24c9649d8f3dbf03dc8c3275',6,NULL,1795918630239,NULL,0,'308615ed-596b-4c0e-adad-d01f4940e659',49,'{"surprised":0,"thinking":2,"happy":0,"sad":0,"fired_up":0}',2,0);
INSERT INTO "comments" VALUES('aatdkSYRjPIO',2,'1ptevXoKmU5I','1ptevXoKmU5I',13,13,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'16753f9f24c9649d8f3dbf03dc8c3275',6,NULL,1795918630244,NULL,0,'f87080e7-6025-4487-b850-dd54efa058c5',52,'{"surprised":2,"thinking":0,"happy":0,"sad":1,"fired_up":0}',3,0);
INSERT INTO "comments" VALUES('HAacvQEwzozT',2,'1ptevXoKmU5I','1ptevXoKmU5I',14,14,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'1527a4405d97d0d822a64f2012b9bfb5',4,NULL,1795918630249,NULL,0,'ea83dcb4-4b8e-4f5d-928e-928c619b4c49',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('kycfQLGbRYlb',2,'RMqrgIlbcg8d','RMqrgIlbcg8d',15,15,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'dbebae158a7b024dc73ea091c21a352b',4,NULL,1795918630254,NULL,0,'c45664e5-728f-4f08-8755-c6a4f476c98a',57,'{"surprised":2,"thinking":1,"happy":0,"sad":1,"fired_up":1}',5,0);
INSERT INTO "comments" VALUES('JlHgbXSeVlx3',2,'RMqrgIlbcg8d','RMqrgIlbcg8d',16,16,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'b81b1ed0d786b7767b59151eb0acd212',5,NULL,1795918630259,NULL,0,'fab6c5fc-4c26-40f1-96c0-527f945a39d3',58,'{"surprised":1,"thinking":0,"happy":0,"sad":0,"fired_up":0}',1,0);
INSERT INTO "comments" VALUES('bGhR1Jt7kVmw',2,'RMqrgIlbcg8d','RMqrgIlbcg8d',17,17,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'16753f9f24c9649d8f3dbf03dc8c3275',6,NULL,1795918630264,NULL,0,'975f44ea-d069-4570-a1a1-16dfc999c339',61,'{"surprised":2,"thinking":0,"happy":0,"sad":1,"fired_up":0}',3,0);
INSERT INTO "comments" VALUES('QSj9sYhb2SeP',2,'8vMCXb0s1aP1','8vMCXb0s1aP1',18,18,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'16753f9f24c9649d8f3dbf03dc8c3275',6,NULL,1795918630269,NULL,0,'b9bc5e5a-778d-4dfd-b6b1-f8689ed5d4a2',66,'{"surprised":0,"thinking":2,"happy":2,"sad":1,"fired_up":0}',5,0);
INSERT INTO "comments" VALUES('Q0ju4SzQN4cb',2,'8vMCXb0s1aP1','8vMCXb0s1aP1',19,19,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'16753f9f24c9649d8f3dbf03dc8c3275',6,NULL,1795918630273,NULL,0,'b82da4ad-07ff-48f7-b33a-26ed1131192b',72,'{"surprised":1,"thinking":0,"happy":1,"sad":0,"fired_up":4}',6,0);
INSERT INTO "comments" VALUES('q3yJyiizKWoX',2,'8vMCXb0s1aP1','8vMCXb0s1aP1',20,20,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'16753f9f24c9649d8f3dbf03dc8c3275',6,NULL,1795918630278,NULL,0,'6aa9d8f5-733f-42d2-87de-2f51b6ebbf33',77,'{"surprised":1,"thinking":1,"happy":2,"sad":1,"fired_up":0}',5,0);
INSERT INTO "comments" VALUES('hWN9fXHQXKDG',3,NULL,'hWN9fXHQXKDG',1,1,'published','First!','[["p",null,"First!"]]',NULL,NULL,'Reader 0','r@x.example',NULL,NULL,'adc6f6008ebd364ab33e505d09953fdc',9,NULL,1795918630927,NULL,0,'a96710c9-d9cf-4310-b914-8f405192e9f8',10,'{"surprised":1,"thinking":0,"happy":0,"sad":0,"fired_up":0}',1,0);
INSERT INTO "comments" VALUES('iNlqIUlbg0iN',3,NULL,'iNlqIUlbg0iN',2,23,'published','**Bold** and *soft* with `code` and https://example.org/a?b=c&d','[["p",null,["strong",null,"Bold"]," and ",["em",null,"soft"]," with ",["code",null,"code"]," and ",["a",{"href":"https://example.org/a?b=c&d"},"https://example.org/a?b=c&d"]]]',NULL,NULL,'Reader 1','r@x.example',NULL,NULL,'f0fe5081b6641f80795d0f7d5d61fb62',8,NULL,1795918630934,NULL,1,'77bf6c46-254e-4170-9d45-a971c4879690',16,'{"surprised":1,"thinking":1,"happy":0,"sad":3,"fired_up":1}',6,0);
INSERT INTO "comments" VALUES('T2umtwopeGAA',3,NULL,'T2umtwopeGAA',3,21,'published','Edited words','[["p",null,"Edited words"]]',NULL,NULL,'Reader 2','r@x.example',NULL,NULL,'4e2ade376304feaf37aaed9b25460fc4',7,NULL,1795918630941,1795918631395,0,'08422387-a99c-4799-a088-e30f7eae8484',22,'{"surprised":1,"thinking":0,"happy":3,"sad":2,"fired_up":0}',6,0);
INSERT INTO "comments" VALUES('JPatE6TYdv0E',3,NULL,'JPatE6TYdv0E',4,22,'removed','','[]',NULL,NULL,NULL,NULL,NULL,NULL,'f0fe5081b6641f80795d0f7d5d61fb62',8,NULL,1795918630948,NULL,0,'b4ac250d-4806-4fd3-b460-bd78ab680612',23,'{"surprised":0,"thinking":0,"happy":1,"sad":0,"fired_up":0}',1,0);
INSERT INTO "comments" VALUES('1OON3ITzb0b6',3,NULL,'1OON3ITzb0b6',5,24,'removed','','[]',NULL,NULL,NULL,NULL,NULL,NULL,'e0fca83f9de52946d2386188719880fa',8,NULL,1795918630955,NULL,0,'1ef0e923-913f-496c-9478-b54e9e0a16f9',27,'{"surprised":1,"thinking":1,"happy":0,"sad":1,"fired_up":1}',4,0);
INSERT INTO "comments" VALUES('EOW9Z6Vi2Lxg',3,NULL,'EOW9Z6Vi2Lxg',6,6,'published','```
code
  block
```','[["pre",null,["code",null,"code\n  block"]]]',NULL,NULL,'Reader 5','r@x.example',NULL,NULL,'c83cf80b0ee2af6b950b3ebfde2fe548',7,NULL,1795918630962,NULL,0,'a28366ca-fb3c-48a2-8e4f-f6ace391abac',31,'{"surprised":0,"thinking":2,"happy":0,"sad":1,"fired_up":1}',4,0);
INSERT INTO "comments" VALUES('gllB2feonaCH',3,NULL,'gllB2feonaCH',7,7,'published','A line
and another

A paragraph','[["p",null,"A line",["br",null],"and another"],["p",null,"A paragraph"]]',NULL,NULL,'Reader 6','r@x.example',NULL,NULL,'c83cf80b0ee2af6b950b3ebfde2fe548',7,NULL,1795918630969,NULL,0,'6f1fe634-4062-4a77-a5b3-8c06a4a903a0',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('iqEVCIW7s6wX',3,NULL,'iqEVCIW7s6wX',8,8,'published','It''s "fine" <b>really</b> & so on','[["p",null,"It''s \"fine\" <b>really</b> & so on"]]',NULL,NULL,'Reader 7','r@x.example',NULL,NULL,'24f445a22706734df4c9e4d3d1c52fbf',9,NULL,1795918630976,NULL,0,'183fd9b7-a0c3-4f76-9243-6bfaba008124',35,'{"surprised":1,"thinking":0,"happy":1,"sad":1,"fired_up":1}',4,0);
INSERT INTO "comments" VALUES('hHf5wTXYpQdq',3,'hWN9fXHQXKDG','hWN9fXHQXKDG',9,9,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'964ecd173e8e1cd99996693a1c11b185',9,NULL,1795918630983,NULL,0,'7bdc30d4-edba-4dd4-a55b-d85fe591eaa8',37,'{"surprised":1,"thinking":0,"happy":0,"sad":0,"fired_up":1}',2,0);
INSERT INTO "comments" VALUES('OYrfDb1Rq9ri',3,'hWN9fXHQXKDG','hWN9fXHQXKDG',10,10,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'c83cf80b0ee2af6b950b3ebfde2fe548',7,NULL,1795918630990,NULL,0,'1478f419-d1b1-429d-9823-b791cd2dd056',41,'{"surprised":3,"thinking":1,"happy":0,"sad":0,"fired_up":0}',4,0);
INSERT INTO "comments" VALUES('p4LRO2QpPUZR',3,'hWN9fXHQXKDG','hWN9fXHQXKDG',11,11,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'e0fca83f9de52946d2386188719880fa',8,NULL,1795918630997,NULL,0,'8618015e-4cf0-46a7-945a-0325e03ed3c4',43,'{"surprised":0,"thinking":2,"happy":0,"sad":0,"fired_up":0}',2,0);
INSERT INTO "comments" VALUES('3HdSr930t43o',3,'iNlqIUlbg0iN','iNlqIUlbg0iN',12,12,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'24f445a22706734df4c9e4d3d1c52fbf',9,NULL,1795918631003,NULL,0,'2a6829bd-2ec7-42da-a786-db887a4b49b3',44,'{"surprised":0,"thinking":1,"happy":0,"sad":0,"fired_up":0}',1,0);
INSERT INTO "comments" VALUES('HdBhA6BL5NjK',3,'iNlqIUlbg0iN','iNlqIUlbg0iN',13,13,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'24f445a22706734df4c9e4d3d1c52fbf',9,NULL,1795918631010,NULL,0,'a1dc27f0-5ee3-4fc2-84fb-c2f2d9b08cda',50,'{"surprised":0,"thinking":2,"happy":2,"sad":1,"fired_up":1}',6,0);
INSERT INTO "comments" VALUES('4WwlHfqUEyAC',3,'iNlqIUlbg0iN','iNlqIUlbg0iN',14,14,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'964ecd173e8e1cd99996693a1c11b185',9,NULL,1795918631016,NULL,0,'dad54292-593a-42da-ae91-3ec64904c0a9',55,'{"surprised":2,"thinking":0,"happy":1,"sad":2,"fired_up":0}',5,0);
INSERT INTO "comments" VALUES('t8Cf4O59b05W',3,'T2umtwopeGAA','T2umtwopeGAA',15,15,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'adc6f6008ebd364ab33e505d09953fdc',9,NULL,1795918631021,NULL,0,'982847ad-f5a0-439f-a336-aac8e4c8d472',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('EawAvNojnGOn',3,'T2umtwopeGAA','T2umtwopeGAA',16,16,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'f0fe5081b6641f80795d0f7d5d61fb62',8,NULL,1795918631027,NULL,0,'63d30be7-2e8f-4b40-85cb-8084373ca330',57,'{"surprised":0,"thinking":0,"happy":1,"sad":0,"fired_up":1}',2,0);
INSERT INTO "comments" VALUES('jjrGduyuECBE',3,'T2umtwopeGAA','T2umtwopeGAA',17,17,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'f0fe5081b6641f80795d0f7d5d61fb62',8,NULL,1795918631034,NULL,0,'5ef9894a-3910-424c-a33c-02508ce60a8f',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('qbUxtqxylCXO',3,'JPatE6TYdv0E','JPatE6TYdv0E',18,18,'published','A reply 0','[["p",null,"A reply 0"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'c83cf80b0ee2af6b950b3ebfde2fe548',7,NULL,1795918631040,NULL,0,'02e8639d-6008-46b3-b5fe-94f2656f4a25',62,'{"surprised":1,"thinking":1,"happy":0,"sad":2,"fired_up":1}',5,0);
INSERT INTO "comments" VALUES('BchSH2IQAbcD',3,'JPatE6TYdv0E','JPatE6TYdv0E',19,19,'published','A reply 1','[["p",null,"A reply 1"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'f0fe5081b6641f80795d0f7d5d61fb62',8,NULL,1795918631048,NULL,0,'209ef932-2f2b-4eb6-bcf8-3aaf7de73559',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('e9FAfYa7bJUS',3,'JPatE6TYdv0E','JPatE6TYdv0E',20,20,'published','A reply 2','[["p",null,"A reply 2"]]',NULL,NULL,'Replier',NULL,NULL,NULL,'f81c2773fb9d83d811a4796d88f92dd1',7,NULL,1795918631054,NULL,0,'a8469303-1dc4-4bf0-a9e4-68d47342d4cb',65,'{"surprised":0,"thinking":0,"happy":1,"sad":1,"fired_up":1}',3,0);
INSERT INTO "comments" VALUES('gbin6AN3ykXM',4,NULL,'gbin6AN3ykXM',1,1,'published','First!','[["p",null,"First!"]]','Edited and waiting','[["p",null,"Edited and waiting"]]','Reader 0',NULL,NULL,NULL,'3cd1d0c373925659ed57314a7390878b',11,NULL,1795918631639,NULL,0,'804cc316-8aaf-4392-b790-66ff896d81a3',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('dzuijGzSXmRh',4,NULL,'dzuijGzSXmRh',2,2,'published','**Bold** and *soft* with `code` and https://example.org/a?b=c&d','[["p",null,["strong",null,"Bold"]," and ",["em",null,"soft"]," with ",["code",null,"code"]," and ",["a",{"href":"https://example.org/a?b=c&d"},"https://example.org/a?b=c&d"]]]',NULL,NULL,'Reader 1',NULL,NULL,NULL,'ee46abf484ee0253a745bb13b6b40867',12,NULL,1795918631646,NULL,0,'4c426e0d-a9ed-4255-b0a0-ed251ad848c2',12,'{"surprised":0,"thinking":0,"happy":3,"sad":0,"fired_up":0}',3,0);
INSERT INTO "comments" VALUES('A7oS5FeSGRjh',4,NULL,'A7oS5FeSGRjh',3,3,'published','> a quote

an answer','[["blockquote",null,["p",null,"a quote"]],["p",null,"an answer"]]',NULL,NULL,'Reader 2',NULL,NULL,NULL,'6b5a28cb421b715ce60f544f317c765a',11,NULL,1795918631654,NULL,0,'40790b68-0334-4508-b89b-b66c7e502432',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('1bhqim6OSMxi',4,NULL,'1bhqim6OSMxi',4,4,'published','- one
- two

1. three','[["ul",null,["li",null,"one"],["li",null,"two"]],["ol",null,["li",null,"three"]]]',NULL,NULL,'Reader 3',NULL,NULL,NULL,'3cd1d0c373925659ed57314a7390878b',11,NULL,1795918631661,NULL,0,'9ae9c08b-cc53-4622-89ab-f3114a54d675',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('SNJqO0LwxKQs',4,NULL,'SNJqO0LwxKQs',5,5,'published','日本語 and עברית 🦆','[["p",null,"日本語 and עברית 🦆"]]',NULL,NULL,'Reader 4',NULL,NULL,NULL,'ee46abf484ee0253a745bb13b6b40867',12,NULL,1795918631669,NULL,0,'0b363f19-655b-47c5-8d16-71d5c07515d2',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('QihNC886L5Rg',4,NULL,'QihNC886L5Rg',0,0,'removed','','[]',NULL,NULL,NULL,NULL,NULL,NULL,'3cd1d0c373925659ed57314a7390878b',11,NULL,1795918631675,NULL,0,'8a95417c-b526-46f9-a19e-efb7e2d7c127',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('AaJDq0Wt23Km',4,NULL,'AaJDq0Wt23Km',0,0,'pending','A line
and another

A paragraph','[["p",null,"A line",["br",null],"and another"],["p",null,"A paragraph"]]',NULL,NULL,'Reader 6',NULL,NULL,NULL,'e13b1067e6c4aea3844bd0e33b169e8a',12,NULL,1795918631683,NULL,0,'ddda8db2-611b-4f08-9c93-efb55010bb4e',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('QryJjweBTmSB',4,NULL,'QryJjweBTmSB',0,0,'pending','It''s "fine" <b>really</b> & so on','[["p",null,"It''s \"fine\" <b>really</b> & so on"]]',NULL,NULL,'Reader 7',NULL,NULL,NULL,'ee46abf484ee0253a745bb13b6b40867',12,NULL,1795918631689,NULL,0,'ec76e386-a203-41a9-b0a5-9a145664b381',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
INSERT INTO "comments" VALUES('ESVC3weLiS0i',1,NULL,'ESVC3weLiS0i',26,27,'removed','','[]',NULL,NULL,NULL,NULL,NULL,NULL,'',NULL,NULL,1795918632649,NULL,0,'ESVC3weLiS0i',0,'{"surprised":0,"thinking":0,"happy":0,"sad":0,"fired_up":0}',0,0);
CREATE TABLE copies (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	story INTEGER NOT NULL, 
	jti VARCHAR(64) NOT NULL, 
	origin VARCHAR(300) NOT NULL, 
	label TEXT, 
	lang VARCHAR(35), 
	page TEXT, 
	first_seen BIGINT NOT NULL, 
	last_seen BIGINT NOT NULL, used BOOLEAN DEFAULT 1 NOT NULL, listed BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT fk_copies_story FOREIGN KEY(story) REFERENCES stories (id), 
	CONSTRAINT uq_copies_story_jti_origin UNIQUE (story, jti, origin)
);
INSERT INTO "copies" VALUES(1,1,'handle-0','https://copy0.example','Copy 0',NULL,NULL,1795918629340,1795918629340,1,0);
INSERT INTO "copies" VALUES(2,1,'handle-0','https://copy1.example','Copy 0',NULL,NULL,1795918629370,1795918629370,1,0);
INSERT INTO "copies" VALUES(3,1,'handle-0','https://copy2.example','Copy 0',NULL,NULL,1795918629391,1795918629391,1,0);
INSERT INTO "copies" VALUES(4,2,'handle-1','https://copy0.example','Copy 1',NULL,NULL,1795918630133,1795918630133,1,0);
INSERT INTO "copies" VALUES(5,2,'handle-1','https://copy1.example','Copy 1',NULL,NULL,1795918630150,1795918630150,1,0);
INSERT INTO "copies" VALUES(6,2,'handle-1','https://copy2.example','Copy 1',NULL,NULL,1795918630167,1795918630167,1,0);
INSERT INTO "copies" VALUES(7,3,'handle-2','https://copy0.example','Copy 2',NULL,NULL,1795918630868,1795918630868,1,0);
INSERT INTO "copies" VALUES(8,3,'handle-2','https://copy1.example','Copy 2',NULL,NULL,1795918630889,1795918630889,1,0);
INSERT INTO "copies" VALUES(9,3,'handle-2','https://copy2.example','Copy 2',NULL,NULL,1795918630910,1795918630910,1,0);
INSERT INTO "copies" VALUES(10,4,'handle-3','https://copy0.example','Copy 3',NULL,NULL,1795918631570,1795918631570,1,0);
INSERT INTO "copies" VALUES(11,4,'handle-3','https://copy1.example','Copy 3',NULL,NULL,1795918631594,1795918631594,1,0);
INSERT INTO "copies" VALUES(12,4,'handle-3','https://copy2.example','Copy 3',NULL,NULL,1795918631619,1795918631619,1,0);
CREATE TABLE embed_files (
	name VARCHAR(80) NOT NULL, 
	content TEXT NOT NULL, 
	CONSTRAINT pk_embed_files PRIMARY KEY (name)
);
CREATE TABLE erasures (
	kind VARCHAR(10) NOT NULL, 
	subject VARCHAR(32) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_erasures PRIMARY KEY (kind, subject)
);
INSERT INTO "erasures" VALUES('reader','df9e32de3449aa4bc55df598c00e767c',1795918632656);
CREATE TABLE meta (
	"key" VARCHAR(40) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('epoch','701b6925afd216e5');
INSERT INTO "meta" VALUES('made_at','1795918627304');
INSERT INTO "meta" VALUES('seal:a69bdd3d8e52afe87560157b03f2cfb8','1795918627326');
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
INSERT INTO "reactions" VALUES(1,'','f3453d6f279e3bdcf75e39baa7892e26','fired_up',1,1795918629343);
INSERT INTO "reactions" VALUES(1,'','91e556c4614294a6ba35990ad08a568e','surprised',1,1795918629354);
INSERT INTO "reactions" VALUES(1,'','4b6e03f04d04235411924d811201a844','sad',1,1795918629360);
INSERT INTO "reactions" VALUES(1,'','fe5fbec309df5faf79d1b538f04231fd','happy',2,1795918629371);
INSERT INTO "reactions" VALUES(1,'','7f6bdb933512d4720b16df844c7716bf','surprised',2,1795918629377);
INSERT INTO "reactions" VALUES(1,'','db3940a631085e344924144fe324028f','surprised',2,1795918629383);
INSERT INTO "reactions" VALUES(1,'','b9736b0b188f617f14fc085dcdeb23a1','thinking',3,1795918629393);
INSERT INTO "reactions" VALUES(1,'','6eb4b9b25908b1c718f1ce486aa75918','fired_up',3,1795918629400);
INSERT INTO "reactions" VALUES(1,'','e80e1e81eab8e7ef78169511cf442b6d','sad',3,1795918629408);
INSERT INTO "reactions" VALUES(1,'nNz3rNrHTnOv','91e556c4614294a6ba35990ad08a568e','happy',1,1795918629577);
INSERT INTO "reactions" VALUES(1,'nNz3rNrHTnOv','fe5fbec309df5faf79d1b538f04231fd','surprised',2,1795918629584);
INSERT INTO "reactions" VALUES(1,'nNz3rNrHTnOv','db3940a631085e344924144fe324028f','surprised',2,1795918629591);
INSERT INTO "reactions" VALUES(1,'yMbyWqQGg2eO','fe5fbec309df5faf79d1b538f04231fd','fired_up',2,1795918629597);
INSERT INTO "reactions" VALUES(1,'yMbyWqQGg2eO','db3940a631085e344924144fe324028f','fired_up',2,1795918629605);
INSERT INTO "reactions" VALUES(1,'yMbyWqQGg2eO','e80e1e81eab8e7ef78169511cf442b6d','fired_up',3,1795918629612);
INSERT INTO "reactions" VALUES(1,'yMbyWqQGg2eO','91e556c4614294a6ba35990ad08a568e','surprised',1,1795918629618);
INSERT INTO "reactions" VALUES(1,'5cVyQR5iRMp1','db3940a631085e344924144fe324028f','happy',2,1795918629624);
INSERT INTO "reactions" VALUES(1,'5cVyQR5iRMp1','fe5fbec309df5faf79d1b538f04231fd','fired_up',2,1795918629630);
INSERT INTO "reactions" VALUES(1,'5cVyQR5iRMp1','7f6bdb933512d4720b16df844c7716bf','surprised',2,1795918629637);
INSERT INTO "reactions" VALUES(1,'5cVyQR5iRMp1','6eb4b9b25908b1c718f1ce486aa75918','surprised',3,1795918629643);
INSERT INTO "reactions" VALUES(1,'5cVyQR5iRMp1','4b6e03f04d04235411924d811201a844','fired_up',1,1795918629650);
INSERT INTO "reactions" VALUES(1,'rOAYwjumnfTi','e80e1e81eab8e7ef78169511cf442b6d','happy',3,1795918629657);
INSERT INTO "reactions" VALUES(1,'rOAYwjumnfTi','fe5fbec309df5faf79d1b538f04231fd','thinking',2,1795918629664);
INSERT INTO "reactions" VALUES(1,'rOAYwjumnfTi','f3453d6f279e3bdcf75e39baa7892e26','sad',1,1795918629670);
INSERT INTO "reactions" VALUES(1,'rOAYwjumnfTi','7f6bdb933512d4720b16df844c7716bf','sad',2,1795918629676);
INSERT INTO "reactions" VALUES(1,'rOAYwjumnfTi','4b6e03f04d04235411924d811201a844','thinking',1,1795918629683);
INSERT INTO "reactions" VALUES(1,'5rzCtfLxfSkp','fe5fbec309df5faf79d1b538f04231fd','fired_up',2,1795918629690);
INSERT INTO "reactions" VALUES(1,'UzCFqjqHcn5u','4b6e03f04d04235411924d811201a844','surprised',1,1795918629696);
INSERT INTO "reactions" VALUES(1,'ZQg10YrUIdj8','db3940a631085e344924144fe324028f','sad',2,1795918629703);
INSERT INTO "reactions" VALUES(1,'ZQg10YrUIdj8','7f6bdb933512d4720b16df844c7716bf','happy',2,1795918629711);
INSERT INTO "reactions" VALUES(1,'ZQg10YrUIdj8','4b6e03f04d04235411924d811201a844','thinking',1,1795918629716);
INSERT INTO "reactions" VALUES(1,'ZQg10YrUIdj8','fe5fbec309df5faf79d1b538f04231fd','sad',2,1795918629722);
INSERT INTO "reactions" VALUES(1,'ZQg10YrUIdj8','6eb4b9b25908b1c718f1ce486aa75918','surprised',3,1795918629728);
INSERT INTO "reactions" VALUES(1,'VNS32AW6p0VB','b9736b0b188f617f14fc085dcdeb23a1','fired_up',3,1795918629735);
INSERT INTO "reactions" VALUES(1,'DXm715KzgpXa','b9736b0b188f617f14fc085dcdeb23a1','fired_up',3,1795918629742);
INSERT INTO "reactions" VALUES(1,'DXm715KzgpXa','91e556c4614294a6ba35990ad08a568e','sad',1,1795918629748);
INSERT INTO "reactions" VALUES(1,'DXm715KzgpXa','fe5fbec309df5faf79d1b538f04231fd','sad',2,1795918629754);
INSERT INTO "reactions" VALUES(1,'DXm715KzgpXa','6eb4b9b25908b1c718f1ce486aa75918','sad',3,1795918629759);
INSERT INTO "reactions" VALUES(1,'DXm715KzgpXa','f3453d6f279e3bdcf75e39baa7892e26','surprised',1,1795918629765);
INSERT INTO "reactions" VALUES(1,'yrT0iI2eNncH','b9736b0b188f617f14fc085dcdeb23a1','sad',3,1795918629773);
INSERT INTO "reactions" VALUES(1,'yrT0iI2eNncH','6eb4b9b25908b1c718f1ce486aa75918','surprised',3,1795918629779);
INSERT INTO "reactions" VALUES(1,'yrT0iI2eNncH','4b6e03f04d04235411924d811201a844','thinking',1,1795918629784);
INSERT INTO "reactions" VALUES(1,'yrT0iI2eNncH','db3940a631085e344924144fe324028f','happy',2,1795918629790);
INSERT INTO "reactions" VALUES(1,'y5GRyAAF96IV','6eb4b9b25908b1c718f1ce486aa75918','surprised',3,1795918629797);
INSERT INTO "reactions" VALUES(1,'y5GRyAAF96IV','4b6e03f04d04235411924d811201a844','fired_up',1,1795918629804);
INSERT INTO "reactions" VALUES(1,'y5GRyAAF96IV','f3453d6f279e3bdcf75e39baa7892e26','surprised',1,1795918629811);
INSERT INTO "reactions" VALUES(1,'U2jHijz6ZIZz','db3940a631085e344924144fe324028f','happy',2,1795918629817);
INSERT INTO "reactions" VALUES(1,'U2jHijz6ZIZz','fe5fbec309df5faf79d1b538f04231fd','fired_up',2,1795918629823);
INSERT INTO "reactions" VALUES(1,'vf2nI3dZbPd3','db3940a631085e344924144fe324028f','sad',2,1795918629829);
INSERT INTO "reactions" VALUES(1,'vf2nI3dZbPd3','7f6bdb933512d4720b16df844c7716bf','fired_up',2,1795918629834);
INSERT INTO "reactions" VALUES(1,'vf2nI3dZbPd3','fe5fbec309df5faf79d1b538f04231fd','sad',2,1795918629840);
INSERT INTO "reactions" VALUES(1,'zJJzfmgd6APq','6eb4b9b25908b1c718f1ce486aa75918','sad',3,1795918629845);
INSERT INTO "reactions" VALUES(1,'zJJzfmgd6APq','e80e1e81eab8e7ef78169511cf442b6d','thinking',3,1795918629852);
INSERT INTO "reactions" VALUES(1,'Rxjjqt5d6AX1','b9736b0b188f617f14fc085dcdeb23a1','happy',3,1795918629857);
INSERT INTO "reactions" VALUES(1,'Rxjjqt5d6AX1','6eb4b9b25908b1c718f1ce486aa75918','happy',3,1795918629861);
INSERT INTO "reactions" VALUES(1,'Rxjjqt5d6AX1','4b6e03f04d04235411924d811201a844','thinking',1,1795918629867);
INSERT INTO "reactions" VALUES(1,'Rxjjqt5d6AX1','db3940a631085e344924144fe324028f','fired_up',2,1795918629873);
INSERT INTO "reactions" VALUES(1,'Rxjjqt5d6AX1','fe5fbec309df5faf79d1b538f04231fd','sad',2,1795918629879);
INSERT INTO "reactions" VALUES(1,'wzhERY4UD8uh','7f6bdb933512d4720b16df844c7716bf','thinking',2,1795918629885);
INSERT INTO "reactions" VALUES(1,'wzhERY4UD8uh','db3940a631085e344924144fe324028f','happy',2,1795918629891);
INSERT INTO "reactions" VALUES(1,'wzhERY4UD8uh','6eb4b9b25908b1c718f1ce486aa75918','fired_up',3,1795918629897);
INSERT INTO "reactions" VALUES(1,'wzhERY4UD8uh','fe5fbec309df5faf79d1b538f04231fd','surprised',2,1795918629903);
INSERT INTO "reactions" VALUES(1,'wzhERY4UD8uh','b9736b0b188f617f14fc085dcdeb23a1','fired_up',3,1795918629909);
INSERT INTO "reactions" VALUES(1,'5sGolLSi7qtM','f3453d6f279e3bdcf75e39baa7892e26','fired_up',1,1795918629916);
INSERT INTO "reactions" VALUES(1,'5sGolLSi7qtM','4b6e03f04d04235411924d811201a844','fired_up',1,1795918629922);
INSERT INTO "reactions" VALUES(1,'5sGolLSi7qtM','e80e1e81eab8e7ef78169511cf442b6d','surprised',3,1795918629928);
INSERT INTO "reactions" VALUES(1,'ealmc4imXmDK','db3940a631085e344924144fe324028f','thinking',2,1795918629933);
INSERT INTO "reactions" VALUES(1,'ealmc4imXmDK','e80e1e81eab8e7ef78169511cf442b6d','thinking',3,1795918629937);
INSERT INTO "reactions" VALUES(1,'ealmc4imXmDK','fe5fbec309df5faf79d1b538f04231fd','happy',2,1795918629942);
INSERT INTO "reactions" VALUES(1,'ealmc4imXmDK','7f6bdb933512d4720b16df844c7716bf','fired_up',2,1795918629946);
INSERT INTO "reactions" VALUES(1,'ealmc4imXmDK','f3453d6f279e3bdcf75e39baa7892e26','surprised',1,1795918629951);
INSERT INTO "reactions" VALUES(1,'bhMgHwEBURzz','e80e1e81eab8e7ef78169511cf442b6d','sad',3,1795918629955);
INSERT INTO "reactions" VALUES(1,'bhMgHwEBURzz','6eb4b9b25908b1c718f1ce486aa75918','thinking',3,1795918629960);
INSERT INTO "reactions" VALUES(1,'bhMgHwEBURzz','f3453d6f279e3bdcf75e39baa7892e26','surprised',1,1795918629964);
INSERT INTO "reactions" VALUES(2,'','1527a4405d97d0d822a64f2012b9bfb5','happy',4,1795918630134);
INSERT INTO "reactions" VALUES(2,'','3e87dc6a72819d608b66fa277ad03d47','happy',4,1795918630139);
INSERT INTO "reactions" VALUES(2,'','dbebae158a7b024dc73ea091c21a352b','thinking',4,1795918630143);
INSERT INTO "reactions" VALUES(2,'','b81b1ed0d786b7767b59151eb0acd212','thinking',5,1795918630151);
INSERT INTO "reactions" VALUES(2,'','7255f828adf24088e1d010f6618a0c77','fired_up',5,1795918630156);
INSERT INTO "reactions" VALUES(2,'','edd235050c5eb5b0f5ba010cc2519b66','happy',5,1795918630160);
INSERT INTO "reactions" VALUES(2,'','201839d2c7e9e04a15db5c4cf3c116d5','thinking',6,1795918630168);
INSERT INTO "reactions" VALUES(2,'','16753f9f24c9649d8f3dbf03dc8c3275','surprised',6,1795918630173);
INSERT INTO "reactions" VALUES(2,'','d128a1255c814aa8378da5b66101a86c','surprised',6,1795918630177);
INSERT INTO "reactions" VALUES(2,'Of69FzU1YuY4','7255f828adf24088e1d010f6618a0c77','surprised',5,1795918630282);
INSERT INTO "reactions" VALUES(2,'Of69FzU1YuY4','16753f9f24c9649d8f3dbf03dc8c3275','happy',6,1795918630286);
INSERT INTO "reactions" VALUES(2,'Of69FzU1YuY4','edd235050c5eb5b0f5ba010cc2519b66','happy',5,1795918630291);
INSERT INTO "reactions" VALUES(2,'Of69FzU1YuY4','d128a1255c814aa8378da5b66101a86c','happy',6,1795918630296);
INSERT INTO "reactions" VALUES(2,'1ptevXoKmU5I','1527a4405d97d0d822a64f2012b9bfb5','fired_up',4,1795918630300);
INSERT INTO "reactions" VALUES(2,'1ptevXoKmU5I','3e87dc6a72819d608b66fa277ad03d47','happy',4,1795918630304);
INSERT INTO "reactions" VALUES(2,'RMqrgIlbcg8d','7255f828adf24088e1d010f6618a0c77','sad',5,1795918630309);
INSERT INTO "reactions" VALUES(2,'RMqrgIlbcg8d','16753f9f24c9649d8f3dbf03dc8c3275','sad',6,1795918630315);
INSERT INTO "reactions" VALUES(2,'8vMCXb0s1aP1','1527a4405d97d0d822a64f2012b9bfb5','thinking',4,1795918630319);
INSERT INTO "reactions" VALUES(2,'8vMCXb0s1aP1','3e87dc6a72819d608b66fa277ad03d47','fired_up',4,1795918630324);
INSERT INTO "reactions" VALUES(2,'37qWi4UGGuIi','b81b1ed0d786b7767b59151eb0acd212','happy',5,1795918630331);
INSERT INTO "reactions" VALUES(2,'37qWi4UGGuIi','1527a4405d97d0d822a64f2012b9bfb5','surprised',4,1795918630337);
INSERT INTO "reactions" VALUES(2,'37qWi4UGGuIi','edd235050c5eb5b0f5ba010cc2519b66','surprised',5,1795918630344);
INSERT INTO "reactions" VALUES(2,'37qWi4UGGuIi','3e87dc6a72819d608b66fa277ad03d47','thinking',4,1795918630350);
INSERT INTO "reactions" VALUES(2,'37qWi4UGGuIi','dbebae158a7b024dc73ea091c21a352b','sad',4,1795918630356);
INSERT INTO "reactions" VALUES(2,'gvUqZHDhke10','3e87dc6a72819d608b66fa277ad03d47','surprised',4,1795918630362);
INSERT INTO "reactions" VALUES(2,'gvUqZHDhke10','dbebae158a7b024dc73ea091c21a352b','sad',4,1795918630369);
INSERT INTO "reactions" VALUES(2,'gWUcTzeiGA1n','dbebae158a7b024dc73ea091c21a352b','surprised',4,1795918630375);
INSERT INTO "reactions" VALUES(2,'gWUcTzeiGA1n','16753f9f24c9649d8f3dbf03dc8c3275','thinking',6,1795918630381);
INSERT INTO "reactions" VALUES(2,'gWUcTzeiGA1n','edd235050c5eb5b0f5ba010cc2519b66','surprised',5,1795918630387);
INSERT INTO "reactions" VALUES(2,'gWUcTzeiGA1n','b81b1ed0d786b7767b59151eb0acd212','happy',5,1795918630394);
INSERT INTO "reactions" VALUES(2,'bxSccXCfhoOP','1527a4405d97d0d822a64f2012b9bfb5','thinking',4,1795918630400);
INSERT INTO "reactions" VALUES(2,'bxSccXCfhoOP','dbebae158a7b024dc73ea091c21a352b','thinking',4,1795918630406);
INSERT INTO "reactions" VALUES(2,'bxSccXCfhoOP','7255f828adf24088e1d010f6618a0c77','happy',5,1795918630412);
INSERT INTO "reactions" VALUES(2,'bxSccXCfhoOP','edd235050c5eb5b0f5ba010cc2519b66','thinking',5,1795918630418);
INSERT INTO "reactions" VALUES(2,'quJ2Lt9W6COT','201839d2c7e9e04a15db5c4cf3c116d5','fired_up',6,1795918630426);
INSERT INTO "reactions" VALUES(2,'quJ2Lt9W6COT','b81b1ed0d786b7767b59151eb0acd212','thinking',5,1795918630432);
INSERT INTO "reactions" VALUES(2,'quJ2Lt9W6COT','3e87dc6a72819d608b66fa277ad03d47','sad',4,1795918630438);
INSERT INTO "reactions" VALUES(2,'quJ2Lt9W6COT','edd235050c5eb5b0f5ba010cc2519b66','thinking',5,1795918630446);
INSERT INTO "reactions" VALUES(2,'oAu1G5o2xylJ','edd235050c5eb5b0f5ba010cc2519b66','thinking',5,1795918630452);
INSERT INTO "reactions" VALUES(2,'oAu1G5o2xylJ','b81b1ed0d786b7767b59151eb0acd212','happy',5,1795918630459);
INSERT INTO "reactions" VALUES(2,'oAu1G5o2xylJ','7255f828adf24088e1d010f6618a0c77','sad',5,1795918630465);
INSERT INTO "reactions" VALUES(2,'oAu1G5o2xylJ','201839d2c7e9e04a15db5c4cf3c116d5','fired_up',6,1795918630470);
INSERT INTO "reactions" VALUES(2,'oAu1G5o2xylJ','1527a4405d97d0d822a64f2012b9bfb5','sad',4,1795918630478);
INSERT INTO "reactions" VALUES(2,'oAu1G5o2xylJ','16753f9f24c9649d8f3dbf03dc8c3275','surprised',6,1795918630483);
INSERT INTO "reactions" VALUES(2,'v6QYmpWQ2TPB','d128a1255c814aa8378da5b66101a86c','thinking',6,1795918630490);
INSERT INTO "reactions" VALUES(2,'v6QYmpWQ2TPB','dbebae158a7b024dc73ea091c21a352b','fired_up',4,1795918630497);
INSERT INTO "reactions" VALUES(2,'v6QYmpWQ2TPB','edd235050c5eb5b0f5ba010cc2519b66','happy',5,1795918630503);
INSERT INTO "reactions" VALUES(2,'oM99LACeiEyM','dbebae158a7b024dc73ea091c21a352b','thinking',4,1795918630508);
INSERT INTO "reactions" VALUES(2,'oM99LACeiEyM','d128a1255c814aa8378da5b66101a86c','thinking',6,1795918630515);
INSERT INTO "reactions" VALUES(2,'aatdkSYRjPIO','3e87dc6a72819d608b66fa277ad03d47','surprised',4,1795918630521);
INSERT INTO "reactions" VALUES(2,'aatdkSYRjPIO','1527a4405d97d0d822a64f2012b9bfb5','sad',4,1795918630527);
INSERT INTO "reactions" VALUES(2,'aatdkSYRjPIO','16753f9f24c9649d8f3dbf03dc8c3275','surprised',6,1795918630533);
INSERT INTO "reactions" VALUES(2,'kycfQLGbRYlb','d128a1255c814aa8378da5b66101a86c','surprised',6,1795918630539);
INSERT INTO "reactions" VALUES(2,'kycfQLGbRYlb','3e87dc6a72819d608b66fa277ad03d47','surprised',4,1795918630546);
INSERT INTO "reactions" VALUES(2,'kycfQLGbRYlb','edd235050c5eb5b0f5ba010cc2519b66','fired_up',5,1795918630552);
INSERT INTO "reactions" VALUES(2,'kycfQLGbRYlb','dbebae158a7b024dc73ea091c21a352b','thinking',4,1795918630558);
INSERT INTO "reactions" VALUES(2,'kycfQLGbRYlb','7255f828adf24088e1d010f6618a0c77','sad',5,1795918630564);
INSERT INTO "reactions" VALUES(2,'JlHgbXSeVlx3','7255f828adf24088e1d010f6618a0c77','surprised',5,1795918630570);
INSERT INTO "reactions" VALUES(2,'bGhR1Jt7kVmw','3e87dc6a72819d608b66fa277ad03d47','sad',4,1795918630576);
INSERT INTO "reactions" VALUES(2,'bGhR1Jt7kVmw','1527a4405d97d0d822a64f2012b9bfb5','surprised',4,1795918630582);
INSERT INTO "reactions" VALUES(2,'bGhR1Jt7kVmw','d128a1255c814aa8378da5b66101a86c','surprised',6,1795918630589);
INSERT INTO "reactions" VALUES(2,'QSj9sYhb2SeP','dbebae158a7b024dc73ea091c21a352b','happy',4,1795918630596);
INSERT INTO "reactions" VALUES(2,'QSj9sYhb2SeP','1527a4405d97d0d822a64f2012b9bfb5','happy',4,1795918630602);
INSERT INTO "reactions" VALUES(2,'QSj9sYhb2SeP','edd235050c5eb5b0f5ba010cc2519b66','sad',5,1795918630607);
INSERT INTO "reactions" VALUES(2,'QSj9sYhb2SeP','16753f9f24c9649d8f3dbf03dc8c3275','thinking',6,1795918630613);
INSERT INTO "reactions" VALUES(2,'QSj9sYhb2SeP','b81b1ed0d786b7767b59151eb0acd212','thinking',5,1795918630619);
INSERT INTO "reactions" VALUES(2,'Q0ju4SzQN4cb','d128a1255c814aa8378da5b66101a86c','fired_up',6,1795918630624);
INSERT INTO "reactions" VALUES(2,'Q0ju4SzQN4cb','b81b1ed0d786b7767b59151eb0acd212','happy',5,1795918630631);
INSERT INTO "reactions" VALUES(2,'Q0ju4SzQN4cb','dbebae158a7b024dc73ea091c21a352b','fired_up',4,1795918630636);
INSERT INTO "reactions" VALUES(2,'Q0ju4SzQN4cb','7255f828adf24088e1d010f6618a0c77','surprised',5,1795918630644);
INSERT INTO "reactions" VALUES(2,'Q0ju4SzQN4cb','1527a4405d97d0d822a64f2012b9bfb5','fired_up',4,1795918630650);
INSERT INTO "reactions" VALUES(2,'Q0ju4SzQN4cb','201839d2c7e9e04a15db5c4cf3c116d5','fired_up',6,1795918630656);
INSERT INTO "reactions" VALUES(2,'q3yJyiizKWoX','1527a4405d97d0d822a64f2012b9bfb5','thinking',4,1795918630662);
INSERT INTO "reactions" VALUES(2,'q3yJyiizKWoX','edd235050c5eb5b0f5ba010cc2519b66','surprised',5,1795918630668);
INSERT INTO "reactions" VALUES(2,'q3yJyiizKWoX','dbebae158a7b024dc73ea091c21a352b','happy',4,1795918630675);
INSERT INTO "reactions" VALUES(2,'q3yJyiizKWoX','16753f9f24c9649d8f3dbf03dc8c3275','happy',6,1795918630680);
INSERT INTO "reactions" VALUES(2,'q3yJyiizKWoX','d128a1255c814aa8378da5b66101a86c','sad',6,1795918630686);
INSERT INTO "reactions" VALUES(3,'','f81c2773fb9d83d811a4796d88f92dd1','surprised',7,1795918630869);
INSERT INTO "reactions" VALUES(3,'','4e2ade376304feaf37aaed9b25460fc4','happy',7,1795918630875);
INSERT INTO "reactions" VALUES(3,'','c83cf80b0ee2af6b950b3ebfde2fe548','thinking',7,1795918630880);
INSERT INTO "reactions" VALUES(3,'','e0fca83f9de52946d2386188719880fa','surprised',8,1795918630890);
INSERT INTO "reactions" VALUES(3,'','f0fe5081b6641f80795d0f7d5d61fb62','surprised',8,1795918630896);
INSERT INTO "reactions" VALUES(3,'','c2fe12588a41d74a5111dd0d2abe33f8','happy',8,1795918630901);
INSERT INTO "reactions" VALUES(3,'','24f445a22706734df4c9e4d3d1c52fbf','surprised',9,1795918630911);
INSERT INTO "reactions" VALUES(3,'','adc6f6008ebd364ab33e505d09953fdc','sad',9,1795918630916);
INSERT INTO "reactions" VALUES(3,'','964ecd173e8e1cd99996693a1c11b185','surprised',9,1795918630921);
INSERT INTO "reactions" VALUES(3,'hWN9fXHQXKDG','adc6f6008ebd364ab33e505d09953fdc','surprised',9,1795918631060);
INSERT INTO "reactions" VALUES(3,'iNlqIUlbg0iN','c83cf80b0ee2af6b950b3ebfde2fe548','surprised',7,1795918631066);
INSERT INTO "reactions" VALUES(3,'iNlqIUlbg0iN','4e2ade376304feaf37aaed9b25460fc4','thinking',7,1795918631072);
INSERT INTO "reactions" VALUES(3,'iNlqIUlbg0iN','24f445a22706734df4c9e4d3d1c52fbf','fired_up',9,1795918631078);
INSERT INTO "reactions" VALUES(3,'iNlqIUlbg0iN','f81c2773fb9d83d811a4796d88f92dd1','sad',7,1795918631084);
INSERT INTO "reactions" VALUES(3,'iNlqIUlbg0iN','f0fe5081b6641f80795d0f7d5d61fb62','sad',8,1795918631090);
INSERT INTO "reactions" VALUES(3,'iNlqIUlbg0iN','adc6f6008ebd364ab33e505d09953fdc','sad',9,1795918631096);
INSERT INTO "reactions" VALUES(3,'T2umtwopeGAA','964ecd173e8e1cd99996693a1c11b185','sad',9,1795918631102);
INSERT INTO "reactions" VALUES(3,'T2umtwopeGAA','adc6f6008ebd364ab33e505d09953fdc','surprised',9,1795918631107);
INSERT INTO "reactions" VALUES(3,'T2umtwopeGAA','4e2ade376304feaf37aaed9b25460fc4','happy',7,1795918631113);
INSERT INTO "reactions" VALUES(3,'T2umtwopeGAA','c2fe12588a41d74a5111dd0d2abe33f8','sad',8,1795918631119);
INSERT INTO "reactions" VALUES(3,'T2umtwopeGAA','e0fca83f9de52946d2386188719880fa','happy',8,1795918631125);
INSERT INTO "reactions" VALUES(3,'T2umtwopeGAA','24f445a22706734df4c9e4d3d1c52fbf','happy',9,1795918631129);
INSERT INTO "reactions" VALUES(3,'JPatE6TYdv0E','f0fe5081b6641f80795d0f7d5d61fb62','happy',8,1795918631136);
INSERT INTO "reactions" VALUES(3,'1OON3ITzb0b6','c2fe12588a41d74a5111dd0d2abe33f8','thinking',8,1795918631142);
INSERT INTO "reactions" VALUES(3,'1OON3ITzb0b6','e0fca83f9de52946d2386188719880fa','surprised',8,1795918631148);
INSERT INTO "reactions" VALUES(3,'1OON3ITzb0b6','f81c2773fb9d83d811a4796d88f92dd1','sad',7,1795918631155);
INSERT INTO "reactions" VALUES(3,'1OON3ITzb0b6','c83cf80b0ee2af6b950b3ebfde2fe548','fired_up',7,1795918631160);
INSERT INTO "reactions" VALUES(3,'EOW9Z6Vi2Lxg','e0fca83f9de52946d2386188719880fa','sad',8,1795918631166);
INSERT INTO "reactions" VALUES(3,'EOW9Z6Vi2Lxg','4e2ade376304feaf37aaed9b25460fc4','thinking',7,1795918631172);
INSERT INTO "reactions" VALUES(3,'EOW9Z6Vi2Lxg','adc6f6008ebd364ab33e505d09953fdc','thinking',9,1795918631179);
INSERT INTO "reactions" VALUES(3,'EOW9Z6Vi2Lxg','964ecd173e8e1cd99996693a1c11b185','fired_up',9,1795918631184);
INSERT INTO "reactions" VALUES(3,'iqEVCIW7s6wX','964ecd173e8e1cd99996693a1c11b185','fired_up',9,1795918631189);
INSERT INTO "reactions" VALUES(3,'iqEVCIW7s6wX','adc6f6008ebd364ab33e505d09953fdc','sad',9,1795918631195);
INSERT INTO "reactions" VALUES(3,'iqEVCIW7s6wX','c83cf80b0ee2af6b950b3ebfde2fe548','happy',7,1795918631199);
INSERT INTO "reactions" VALUES(3,'iqEVCIW7s6wX','24f445a22706734df4c9e4d3d1c52fbf','surprised',9,1795918631206);
INSERT INTO "reactions" VALUES(3,'hHf5wTXYpQdq','c83cf80b0ee2af6b950b3ebfde2fe548','surprised',7,1795918631212);
INSERT INTO "reactions" VALUES(3,'hHf5wTXYpQdq','f81c2773fb9d83d811a4796d88f92dd1','fired_up',7,1795918631217);
INSERT INTO "reactions" VALUES(3,'OYrfDb1Rq9ri','c83cf80b0ee2af6b950b3ebfde2fe548','surprised',7,1795918631223);
INSERT INTO "reactions" VALUES(3,'OYrfDb1Rq9ri','4e2ade376304feaf37aaed9b25460fc4','surprised',7,1795918631230);
INSERT INTO "reactions" VALUES(3,'OYrfDb1Rq9ri','24f445a22706734df4c9e4d3d1c52fbf','surprised',9,1795918631236);
INSERT INTO "reactions" VALUES(3,'OYrfDb1Rq9ri','c2fe12588a41d74a5111dd0d2abe33f8','thinking',8,1795918631242);
INSERT INTO "reactions" VALUES(3,'p4LRO2QpPUZR','c2fe12588a41d74a5111dd0d2abe33f8','thinking',8,1795918631252);
INSERT INTO "reactions" VALUES(3,'p4LRO2QpPUZR','c83cf80b0ee2af6b950b3ebfde2fe548','thinking',7,1795918631260);
INSERT INTO "reactions" VALUES(3,'3HdSr930t43o','e0fca83f9de52946d2386188719880fa','thinking',8,1795918631265);
INSERT INTO "reactions" VALUES(3,'HdBhA6BL5NjK','adc6f6008ebd364ab33e505d09953fdc','sad',9,1795918631269);
INSERT INTO "reactions" VALUES(3,'HdBhA6BL5NjK','964ecd173e8e1cd99996693a1c11b185','thinking',9,1795918631277);
INSERT INTO "reactions" VALUES(3,'HdBhA6BL5NjK','f0fe5081b6641f80795d0f7d5d61fb62','fired_up',8,1795918631283);
INSERT INTO "reactions" VALUES(3,'HdBhA6BL5NjK','f81c2773fb9d83d811a4796d88f92dd1','happy',7,1795918631290);
INSERT INTO "reactions" VALUES(3,'HdBhA6BL5NjK','24f445a22706734df4c9e4d3d1c52fbf','thinking',9,1795918631296);
INSERT INTO "reactions" VALUES(3,'HdBhA6BL5NjK','4e2ade376304feaf37aaed9b25460fc4','happy',7,1795918631302);
INSERT INTO "reactions" VALUES(3,'4WwlHfqUEyAC','f0fe5081b6641f80795d0f7d5d61fb62','surprised',8,1795918631308);
INSERT INTO "reactions" VALUES(3,'4WwlHfqUEyAC','4e2ade376304feaf37aaed9b25460fc4','sad',7,1795918631314);
INSERT INTO "reactions" VALUES(3,'4WwlHfqUEyAC','c83cf80b0ee2af6b950b3ebfde2fe548','sad',7,1795918631320);
INSERT INTO "reactions" VALUES(3,'4WwlHfqUEyAC','f81c2773fb9d83d811a4796d88f92dd1','happy',7,1795918631326);
INSERT INTO "reactions" VALUES(3,'4WwlHfqUEyAC','c2fe12588a41d74a5111dd0d2abe33f8','surprised',8,1795918631331);
INSERT INTO "reactions" VALUES(3,'EawAvNojnGOn','4e2ade376304feaf37aaed9b25460fc4','fired_up',7,1795918631338);
INSERT INTO "reactions" VALUES(3,'EawAvNojnGOn','24f445a22706734df4c9e4d3d1c52fbf','happy',9,1795918631344);
INSERT INTO "reactions" VALUES(3,'qbUxtqxylCXO','c2fe12588a41d74a5111dd0d2abe33f8','sad',8,1795918631349);
INSERT INTO "reactions" VALUES(3,'qbUxtqxylCXO','c83cf80b0ee2af6b950b3ebfde2fe548','sad',7,1795918631355);
INSERT INTO "reactions" VALUES(3,'qbUxtqxylCXO','24f445a22706734df4c9e4d3d1c52fbf','surprised',9,1795918631361);
INSERT INTO "reactions" VALUES(3,'qbUxtqxylCXO','4e2ade376304feaf37aaed9b25460fc4','fired_up',7,1795918631367);
INSERT INTO "reactions" VALUES(3,'qbUxtqxylCXO','adc6f6008ebd364ab33e505d09953fdc','thinking',9,1795918631372);
INSERT INTO "reactions" VALUES(3,'e9FAfYa7bJUS','c2fe12588a41d74a5111dd0d2abe33f8','fired_up',8,1795918631378);
INSERT INTO "reactions" VALUES(3,'e9FAfYa7bJUS','f81c2773fb9d83d811a4796d88f92dd1','sad',7,1795918631382);
INSERT INTO "reactions" VALUES(3,'e9FAfYa7bJUS','4e2ade376304feaf37aaed9b25460fc4','happy',7,1795918631388);
INSERT INTO "reactions" VALUES(4,'','0dc36ee57a21805a0b84fb82b9e7d17c','surprised',10,1795918631572);
INSERT INTO "reactions" VALUES(4,'','1018ceb412c75600b263221ed7265c68','sad',10,1795918631578);
INSERT INTO "reactions" VALUES(4,'','c4e82138340d8876ddaeab3633d7ca7a','surprised',10,1795918631586);
INSERT INTO "reactions" VALUES(4,'','00e0bd521d94664950737c9e5eb77b8b','sad',11,1795918631596);
INSERT INTO "reactions" VALUES(4,'','3cd1d0c373925659ed57314a7390878b','thinking',11,1795918631601);
INSERT INTO "reactions" VALUES(4,'','6b5a28cb421b715ce60f544f317c765a','fired_up',11,1795918631608);
INSERT INTO "reactions" VALUES(4,'','f65a26da45e61c57ed6b087e1287ea77','thinking',12,1795918631620);
INSERT INTO "reactions" VALUES(4,'','e13b1067e6c4aea3844bd0e33b169e8a','sad',12,1795918631626);
INSERT INTO "reactions" VALUES(4,'','ee46abf484ee0253a745bb13b6b40867','happy',12,1795918631633);
INSERT INTO "reactions" VALUES(4,'dzuijGzSXmRh','0dc36ee57a21805a0b84fb82b9e7d17c','happy',10,1795918632140);
INSERT INTO "reactions" VALUES(4,'dzuijGzSXmRh','1018ceb412c75600b263221ed7265c68','happy',10,1795918632147);
INSERT INTO "reactions" VALUES(4,'dzuijGzSXmRh','c4e82138340d8876ddaeab3633d7ca7a','happy',10,1795918632153);
CREATE TABLE reports (
	comment VARCHAR(16) NOT NULL, 
	reader VARCHAR(32) NOT NULL, 
	reason TEXT, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_reports PRIMARY KEY (comment, reader), 
	CONSTRAINT fk_reports_comment FOREIGN KEY(comment) REFERENCES comments (id)
);
INSERT INTO "reports" VALUES('Bsev13R3fk8z','f3453d6f279e3bdcf75e39baa7892e26','spam',1795918630101);
INSERT INTO "reports" VALUES('Bsev13R3fk8z','91e556c4614294a6ba35990ad08a568e','spam',1795918630106);
INSERT INTO "reports" VALUES('Bsev13R3fk8z','4b6e03f04d04235411924d811201a844','spam',1795918630112);
INSERT INTO "reports" VALUES('Bsev13R3fk8z','fe5fbec309df5faf79d1b538f04231fd','spam',1795918630117);
INSERT INTO "reports" VALUES('Bsev13R3fk8z','6eb4b9b25908b1c718f1ce486aa75918',NULL,1795918630121);
INSERT INTO "reports" VALUES('gvUqZHDhke10','1527a4405d97d0d822a64f2012b9bfb5','spam',1795918630833);
INSERT INTO "reports" VALUES('gvUqZHDhke10','3e87dc6a72819d608b66fa277ad03d47','spam',1795918630839);
INSERT INTO "reports" VALUES('gvUqZHDhke10','dbebae158a7b024dc73ea091c21a352b','spam',1795918630845);
INSERT INTO "reports" VALUES('gvUqZHDhke10','b81b1ed0d786b7767b59151eb0acd212','spam',1795918630851);
INSERT INTO "reports" VALUES('gvUqZHDhke10','16753f9f24c9649d8f3dbf03dc8c3275',NULL,1795918630855);
INSERT INTO "reports" VALUES('EOW9Z6Vi2Lxg','f81c2773fb9d83d811a4796d88f92dd1','spam',1795918631529);
INSERT INTO "reports" VALUES('EOW9Z6Vi2Lxg','4e2ade376304feaf37aaed9b25460fc4','spam',1795918631535);
INSERT INTO "reports" VALUES('EOW9Z6Vi2Lxg','c83cf80b0ee2af6b950b3ebfde2fe548','spam',1795918631541);
INSERT INTO "reports" VALUES('EOW9Z6Vi2Lxg','e0fca83f9de52946d2386188719880fa','spam',1795918631547);
INSERT INTO "reports" VALUES('EOW9Z6Vi2Lxg','adc6f6008ebd364ab33e505d09953fdc',NULL,1795918631554);
INSERT INTO "reports" VALUES('dzuijGzSXmRh','3cd1d0c373925659ed57314a7390878b','rude',1795918632160);
CREATE TABLE revoked_tokens (
	site VARCHAR(40) NOT NULL, 
	jti VARCHAR(64) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_revoked_tokens PRIMARY KEY (site, jti), 
	CONSTRAINT fk_revoked_tokens_site FOREIGN KEY(site) REFERENCES sites (slug)
);
INSERT INTO "revoked_tokens" VALUES('press','handle-2',1795918632404);
INSERT INTO "revoked_tokens" VALUES('press','never-seen',1795918632465);
CREATE TABLE shut_out_origins (
	site VARCHAR(40) NOT NULL, 
	origin VARCHAR(300) NOT NULL, 
	story VARCHAR(12) NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_shut_out_origins PRIMARY KEY (site, origin, story), 
	CONSTRAINT fk_shut_out_origins_site FOREIGN KEY(site) REFERENCES sites (slug)
);
INSERT INTO "shut_out_origins" VALUES('press','https://spam.example','',1795918632525);
INSERT INTO "shut_out_origins" VALUES('press','https://copy1.example','C5mdEyJ4rilh',1795918632580);
CREATE TABLE sites (
	slug VARCHAR(40) NOT NULL, 
	name TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	oldest INTEGER NOT NULL, 
	settings TEXT NOT NULL, 
	created_at BIGINT NOT NULL, rights INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_sites PRIMARY KEY (slug)
);
INSERT INTO "sites" VALUES('press','Press',2,1,'{"prompt":"What do you say?","website":"optional","email":"optional"}',1795918629085,7);
INSERT INTO "sites" VALUES('gazette','A paper',1,1,'{"prompt":"How do you feel?","name":"required","moderation":"pre","edit_window":3600}',1795918629172,1);
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
INSERT INTO "stories" VALUES(1,'C5mdEyJ4rilh','press','2026/1-74a330','The library, part 0','Ana Ferreira','Press','https://press.example/0','CC-BY-4.0',1795918629,0,NULL,27,76,76,'{"surprised":3,"thinking":1,"happy":1,"sad":2,"fired_up":2}',18,1795918629333);
INSERT INTO "stories" VALUES(2,'7OLVciLlnzBd','press','2026/2-98c652','The library, part 1','Ana Ferreira','Press','https://press.example/1','CC-BY-4.0',1795918630,1,NULL,26,77,9,'{"surprised":2,"thinking":3,"happy":3,"sad":0,"fired_up":1}',18,1795918630129);
INSERT INTO "stories" VALUES(3,'7L2WE4OjetG8','press','2026/3-fb151c','The library, part 2','Ana Ferreira','Press','https://press.example/2','CC-BY-4.0',1795918630,0,'Moved to another page.',26,65,9,'{"surprised":5,"thinking":1,"happy":2,"sad":1,"fired_up":0}',18,1795918630863);
INSERT INTO "stories" VALUES(4,'YkzVvUbMwEao','gazette','2026/4-d6efd1','The library, part 3','Ana Ferreira','Press','https://press.example/3','CC-BY-4.0',1795918631,0,NULL,5,12,9,'{"surprised":2,"thinking":2,"happy":1,"sad":3,"fired_up":1}',5,1795918631565);
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
INSERT INTO "sqlite_sequence" VALUES('stories',4);
INSERT INTO "sqlite_sequence" VALUES('copies',12);
COMMIT;
