CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	what TEXT NOT NULL, 
	"values" JSON NOT NULL, 
	PRIMARY KEY (id)
)
--
CREATE TABLE buckets (
	channel TEXT NOT NULL, 
	tokens FLOAT NOT NULL, 
	filled_at BIGINT NOT NULL, 
	banned_until BIGINT, 
	PRIMARY KEY (channel)
)
--
CREATE TABLE clock (
	id INTEGER NOT NULL, 
	origin BIGINT NOT NULL, 
	speed FLOAT NOT NULL, 
	world BIGINT NOT NULL, 
	machine BIGINT, 
	reserved_until BIGINT NOT NULL, 
	PRIMARY KEY (id)
)
--
CREATE TABLE clocks (
	id INTEGER NOT NULL, 
	incident_id INTEGER NOT NULL, 
	episode INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	starts_at BIGINT NOT NULL, 
	due_at BIGINT NOT NULL, 
	role TEXT NOT NULL, 
	met_at BIGINT, 
	breached_at BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (incident_id, episode, kind)
)
--
CREATE INDEX clocks_due ON clocks (due_at)
--
CREATE TABLE events (
	id INTEGER NOT NULL, 
	incident_id INTEGER NOT NULL, 
	happened_at BIGINT NOT NULL, 
	known_at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	"values" JSON NOT NULL, 
	digest TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
)
--
CREATE INDEX events_incident ON events (incident_id, known_at)
--
CREATE TABLE fetch_jobs (
	id INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	url TEXT NOT NULL, 
	mention_id INTEGER, 
	payload JSON DEFAULT '{}' NOT NULL, 
	due_at BIGINT, 
	priority INTEGER DEFAULT '0' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	runs INTEGER DEFAULT '0' NOT NULL, 
	unchanged INTEGER DEFAULT '0' NOT NULL, 
	ended_at BIGINT, 
	outcome TEXT, 
	lease_by TEXT, 
	lease_until BIGINT, 
	token INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (source, kind, url)
)
--
CREATE INDEX fetch_jobs_due ON fetch_jobs (due_at)
--
CREATE INDEX fetch_jobs_mention ON fetch_jobs (mention_id)
--
CREATE TABLE fetch_log (
	id INTEGER NOT NULL, 
	job_id INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	due_at BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	outcome TEXT NOT NULL, 
	pages INTEGER NOT NULL, 
	found INTEGER NOT NULL, 
	new INTEGER NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (id)
)
--
CREATE INDEX fetch_log_source ON fetch_log (source, at)
--
CREATE TABLE forecasts (
	id INTEGER NOT NULL, 
	story_id INTEGER NOT NULL, 
	mention_id INTEGER NOT NULL, 
	made_at BIGINT NOT NULL, 
	metric TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	first_seen BIGINT NOT NULL, 
	observed INTEGER, 
	body JSON NOT NULL, 
	model TEXT NOT NULL, 
	abstains TEXT, 
	matures_at BIGINT NOT NULL, 
	came INTEGER, 
	PRIMARY KEY (id)
)
--
CREATE INDEX forecasts_story ON forecasts (story_id, made_at)
--
CREATE TABLE incidents (
	id INTEGER NOT NULL, 
	number TEXT NOT NULL, 
	story_id INTEGER NOT NULL, 
	brand TEXT NOT NULL, 
	title TEXT NOT NULL, 
	grade INTEGER NOT NULL, 
	stage TEXT NOT NULL, 
	episode INTEGER NOT NULL, 
	opened_at BIGINT NOT NULL, 
	first_appeared BIGINT NOT NULL, 
	closed_at BIGINT, 
	root_cause TEXT, 
	reasons JSON NOT NULL, 
	holds_back JSON NOT NULL, 
	playbook TEXT NOT NULL, 
	owner TEXT, 
	acked_by TEXT, 
	acked_at BIGINT, 
	acked_grade INTEGER, 
	ack_until BIGINT, 
	chain JSON NOT NULL, 
	step INTEGER NOT NULL, 
	chain_from BIGINT NOT NULL, 
	round INTEGER DEFAULT '0' NOT NULL, 
	next_step_at BIGINT, 
	brief JSON DEFAULT '{}' NOT NULL, 
	first_told_at BIGINT, 
	next_repeat_at BIGINT, 
	graded_at BIGINT NOT NULL, 
	lower_since BIGINT, 
	version INTEGER DEFAULT '1' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (number)
)
--
CREATE INDEX incidents_open ON incidents (closed_at, brand)
--
CREATE INDEX incidents_story ON incidents (story_id)
--
CREATE TABLE index_queue (
	mention_id INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	queued_at BIGINT NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	fault TEXT, 
	PRIMARY KEY (mention_id)
)
--
CREATE TABLE leases (
	name TEXT NOT NULL, 
	lease_by TEXT, 
	lease_until BIGINT, 
	token INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (name)
)
--
CREATE TABLE login_links (
	digest TEXT NOT NULL, 
	login TEXT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	used_at BIGINT, 
	PRIMARY KEY (digest)
)
--
CREATE TABLE mention_brands (
	mention_id INTEGER NOT NULL, 
	brand TEXT NOT NULL, 
	spans JSON NOT NULL, 
	inherited BOOLEAN NOT NULL, 
	dated BIGINT NOT NULL, 
	PRIMARY KEY (mention_id, brand)
)
--
CREATE INDEX mention_brands_brand ON mention_brands (brand, dated)
--
CREATE TABLE mentions (
	id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	source TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	tier TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	url TEXT NOT NULL, 
	title TEXT NOT NULL, 
	text TEXT NOT NULL, 
	quote TEXT NOT NULL, 
	author TEXT, 
	author_name TEXT NOT NULL, 
	followers INTEGER, 
	friends INTEGER, 
	posts INTEGER, 
	verified BOOLEAN, 
	published BIGINT, 
	precision TEXT NOT NULL, 
	first_seen BIGINT NOT NULL, 
	dated BIGINT NOT NULL, 
	saved_at BIGINT NOT NULL, 
	root_key TEXT, 
	fingerprint TEXT NOT NULL, 
	flags JSON NOT NULL, 
	matched BOOLEAN NOT NULL, 
	tombstone_at BIGINT, 
	text_hash TEXT NOT NULL, 
	edited_at BIGINT, 
	reposts INTEGER, 
	comments INTEGER, 
	likes INTEGER, 
	views INTEGER, 
	counted_at BIGINT, 
	version INTEGER DEFAULT '1' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
)
--
CREATE INDEX ix_mentions_dated ON mentions (dated)
--
CREATE INDEX ix_mentions_root_key ON mentions (root_key)
--
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
)
--
CREATE TABLE near_bands (
	brand TEXT NOT NULL, 
	band BIGINT NOT NULL, 
	mention_id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (brand, band, mention_id)
)
--
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	incident_id INTEGER, 
	episode INTEGER, 
	grade INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	step INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	person TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	mobile TEXT, 
	body JSON NOT NULL, 
	state TEXT DEFAULT 'pending' NOT NULL, 
	created_at BIGINT NOT NULL, 
	due_at BIGINT NOT NULL, 
	saved_at BIGINT NOT NULL, 
	not_before BIGINT, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	sent_at BIGINT, 
	sent_machine BIGINT, 
	answer TEXT, 
	sent_text TEXT, 
	rating TEXT, 
	lease_by TEXT, 
	lease_until BIGINT, 
	token INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
)
--
CREATE INDEX outbox_due ON outbox (state, due_at)
--
CREATE INDEX outbox_incident ON outbox (incident_id)
--
CREATE TABLE people (
	id INTEGER NOT NULL, 
	login TEXT NOT NULL, 
	name TEXT NOT NULL, 
	roles JSON NOT NULL, 
	mobile TEXT, 
	channels JSON NOT NULL, 
	password TEXT, 
	active BOOLEAN NOT NULL, 
	failures INTEGER DEFAULT '0' NOT NULL, 
	locked_until BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (login)
)
--
CREATE TABLE preferences (
	login TEXT NOT NULL, 
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (login, name)
)
--
CREATE TABLE scores (
	mention_id INTEGER NOT NULL, 
	brand TEXT NOT NULL, 
	model TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	negative FLOAT NOT NULL, 
	neutral FLOAT NOT NULL, 
	positive FLOAT NOT NULL, 
	sentiment TEXT NOT NULL, 
	alarm BOOLEAN NOT NULL, 
	relevance FLOAT, 
	aspect_sentiment TEXT, 
	issue TEXT, 
	issue_p FLOAT, 
	nature TEXT, 
	noise TEXT, 
	hostile FLOAT, 
	signals JSON NOT NULL, 
	abstains TEXT, 
	PRIMARY KEY (mention_id, brand)
)
--
CREATE TABLE sessions (
	digest TEXT NOT NULL, 
	login TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	revoked_at BIGINT, 
	PRIMARY KEY (digest)
)
--
CREATE TABLE snapshots (
	id INTEGER NOT NULL, 
	mention_id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	reposts INTEGER, 
	comments INTEGER, 
	likes INTEGER, 
	views INTEGER, 
	floors TEXT DEFAULT '' NOT NULL, 
	job_id INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (mention_id, at)
)
--
CREATE TABLE sources (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	tier TEXT NOT NULL, 
	url TEXT NOT NULL, 
	health TEXT DEFAULT 'new' NOT NULL, 
	health_reason TEXT DEFAULT '' NOT NULL, 
	health_since BIGINT, 
	fetched_at BIGINT, 
	good_at BIGINT, 
	newest_at BIGINT, 
	next_try_at BIGINT, 
	failures INTEGER DEFAULT '0' NOT NULL, 
	interval_s INTEGER, 
	day TEXT, 
	requests_today INTEGER DEFAULT '0' NOT NULL, 
	validators JSON DEFAULT '{}' NOT NULL, 
	removed BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
)
--
CREATE TABLE stories (
	id INTEGER NOT NULL, 
	brand TEXT NOT NULL, 
	lead_id INTEGER NOT NULL, 
	title TEXT NOT NULL, 
	issue TEXT, 
	first_appeared BIGINT NOT NULL, 
	first_known BIGINT NOT NULL, 
	last_known BIGINT NOT NULL, 
	stirred INTEGER DEFAULT '1' NOT NULL, 
	decided INTEGER DEFAULT '0' NOT NULL, 
	stirred_saved_at BIGINT, 
	look_again_at BIGINT, 
	lease_by TEXT, 
	lease_until BIGINT, 
	token INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
)
--
CREATE INDEX stories_brand ON stories (brand, last_known)
--
CREATE INDEX stories_look ON stories (look_again_at)
--
CREATE INDEX stories_stirred ON stories (stirred) WHERE stirred > decided
--
CREATE TABLE story_mentions (
	mention_id INTEGER NOT NULL, 
	brand TEXT NOT NULL, 
	story_id INTEGER NOT NULL, 
	why TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (mention_id, brand)
)
--
CREATE INDEX ix_story_mentions_story_id ON story_mentions (story_id)
--
CREATE TABLE tasks (
	id INTEGER NOT NULL, 
	incident_id INTEGER NOT NULL, 
	episode INTEGER NOT NULL, 
	line TEXT NOT NULL, 
	pillar TEXT NOT NULL, 
	title TEXT NOT NULL, 
	role TEXT NOT NULL, 
	due_at BIGINT, 
	due_words TEXT DEFAULT '' NOT NULL, 
	evidence_kind TEXT NOT NULL, 
	evidence_hint TEXT NOT NULL, 
	help TEXT NOT NULL, 
	seed TEXT NOT NULL, 
	evidence JSON NOT NULL, 
	done_at BIGINT, 
	done_by TEXT, 
	waived TEXT, 
	version INTEGER DEFAULT '1' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (incident_id, episode, line)
)
--
CREATE TABLE work (
	kind TEXT NOT NULL, 
	mention_id INTEGER NOT NULL, 
	brand TEXT NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	fault TEXT, 
	lease_by TEXT, 
	lease_until BIGINT, 
	token INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (kind, mention_id, brand)
)
