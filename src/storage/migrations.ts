// The schema, as the steps that led to it. A step that was released is never edited: add one at the end.

export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    name TEXT,
    algorithm TEXT NOT NULL,
    spec_id TEXT NOT NULL,
    env_kwargs TEXT NOT NULL,
    observation_space TEXT NOT NULL,
    action_space TEXT NOT NULL,
    hyperparameters TEXT NOT NULL,
    seed INTEGER NOT NULL,
    labels TEXT NOT NULL,
    -- The state the agent has now.
    checkpoint_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE checkpoints (
    id TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    -- The job that wrote it; null where a client or the agent's creation did.
    job_id TEXT,
    timesteps INTEGER NOT NULL,
    -- Blobs by SHA-256: parameters and optimiser; replay, streams and environment (null before any training).
    model_sha256 TEXT NOT NULL,
    model_bytes INTEGER NOT NULL,
    experience_sha256 TEXT,
    experience_bytes INTEGER,
    labels TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX checkpoints_by_agent ON checkpoints (agent_id, id);
  CREATE INDEX checkpoints_by_job ON checkpoints (job_id, id);

  CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    config TEXT NOT NULL,
    seed INTEGER NOT NULL,
    progress TEXT NOT NULL,
    metrics TEXT NOT NULL,
    error TEXT,
    result TEXT,
    labels TEXT NOT NULL,
    -- Where the job begins: the agent's checkpoint when the job was created.
    start_checkpoint_id TEXT NOT NULL,
    -- Attempts since the last checkpoint of this job.
    attempts INTEGER NOT NULL,
    -- Event ids are never used twice, not even those that a resume took back.
    last_event_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX jobs_by_agent ON jobs (agent_id, id);
  CREATE INDEX jobs_by_state ON jobs (state, id);

  CREATE TABLE events (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    type TEXT NOT NULL,
    -- The agent's timesteps when it happened; null for what a resume never takes back.
    step INTEGER,
    time INTEGER NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (job_id, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE metrics (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    step INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (job_id, key, step)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The large part of an experience, in pieces that checkpoints share: what did not change is not written again.
  CREATE TABLE checkpoint_segments (
    checkpoint_id TEXT NOT NULL REFERENCES checkpoints (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (checkpoint_id, name)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The few lines that are logs, among up to a million events.
  CREATE INDEX events_logs ON events (job_id, id) WHERE type = 'job.log';
  CREATE INDEX jobs_by_end ON jobs (ended_at) WHERE ended_at IS NOT NULL;

  -- Answers to requests that created something, for the day in which a client may repeat them.
  CREATE TABLE idempotency_keys (
    principal TEXT NOT NULL,
    key TEXT NOT NULL,
    path TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Experience that agents were given from outside: a batch a row, its columns in a blob, until a checkpoint has it.
  -- An agent without an environment has an empty spec_id.
  ALTER TABLE agents ADD COLUMN transitions INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE transition_batches (
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    -- How many transitions the agent was given before it.
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (agent_id, first)
  ) STRICT, WITHOUT ROWID;

  -- Checkpoints that came from outside are of no agent. SQLite cannot make a column nullable, so the tables are made anew.
  CREATE TABLE new_checkpoints (
    id TEXT PRIMARY KEY,
    agent_id TEXT REFERENCES agents (id) ON DELETE CASCADE,
    -- What an agent made of it is, as JSON; null where it is of an agent, which says so.
    identity TEXT,
    job_id TEXT,
    timesteps INTEGER NOT NULL,
    -- How far its job was, counted as the job's events are.
    step INTEGER NOT NULL,
    model_sha256 TEXT NOT NULL,
    model_bytes INTEGER NOT NULL,
    experience_sha256 TEXT,
    experience_bytes INTEGER,
    labels TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  INSERT INTO new_checkpoints SELECT id, agent_id, NULL, job_id, timesteps, timesteps, model_sha256, model_bytes,
    experience_sha256, experience_bytes, labels, created_at FROM checkpoints;
  CREATE TABLE new_checkpoint_segments (
    checkpoint_id TEXT NOT NULL REFERENCES new_checkpoints (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (checkpoint_id, name)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO new_checkpoint_segments SELECT checkpoint_id, name, sha256, bytes FROM checkpoint_segments;
  DROP TABLE checkpoint_segments;
  DROP TABLE checkpoints;
  ALTER TABLE new_checkpoints RENAME TO checkpoints;
  ALTER TABLE new_checkpoint_segments RENAME TO checkpoint_segments;
  CREATE INDEX checkpoints_by_agent ON checkpoints (agent_id, id);
  CREATE INDEX checkpoints_by_job ON checkpoints (job_id, id);
  `,
  `
  -- Checkpoints of which a file was found to be missing or changed, and what was wrong.
  CREATE TABLE checkpoint_damage (
    checkpoint_id TEXT PRIMARY KEY REFERENCES checkpoints (id) ON DELETE CASCADE,
    damage TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];
