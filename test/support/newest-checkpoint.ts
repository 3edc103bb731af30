// In a process of its own, since a database is let go for certain only when its process ends: prints as JSON what the newest
// checkpoint of an agent names. With a third argument it first makes that the identity of the engine that trained it.
import { decodeCheckpoint, encodeCheckpoint } from '../../src/agent/checkpoint.ts';
import { Blobs } from '../../src/storage/blobs.ts';
import { CheckpointStore } from '../../src/storage/checkpoints.ts';
import { openDatabase } from '../../src/storage/database.ts';

const [dataDir = '', agentId = '', identity] = process.argv.slice(2);
const database = openDatabase(dataDir);
const store = new CheckpointStore(database);
const newest = () => {
  const [row] = store.list({ agentId, pageSize: 1, pageToken: null }).data;
  if (row === undefined) throw new Error(`Agent ${agentId} has no checkpoint.`);
  return row;
};
if (identity !== undefined) {
  const blobs = new Blobs(dataDir);
  const { id, model } = newest();
  const { document, tensors } = decodeCheckpoint(await blobs.read(model));
  const { sha256, bytes } = blobs.write(encodeCheckpoint({ ...document, engine_identity: identity }, tensors));
  database.prepare('UPDATE checkpoints SET model_sha256 = ?, model_bytes = ? WHERE id = ?').run(sha256, bytes, id);
}
const { id, timesteps, model, experience } = newest();
process.stdout.write(JSON.stringify({ timesteps, model, experience, segments: store.segments(id) }));
