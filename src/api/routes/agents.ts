import type { AgentRecord } from '../../services/agents.ts';
import type { JobRecord } from '../../services/jobs.ts';
import type { TransitionsTaken } from '../../services/transitions.ts';
import { fileHeaders, namesTag } from '../download.ts';
import { created, GONE, type Handlers, json } from '../operation.ts';
import { listOf, pageQueryOf } from '../page.ts';
import type { AgentsService, CheckpointsService, JobsService, TransitionsService } from '../services.ts';
import {
  actFromWire,
  actToWire,
  agentToWire,
  createAgentFromWire,
  evaluateFromWire,
  learnFromWire,
  trainFromWire,
  transitionsFromWire,
  transitionsToWire,
} from '../wire/agent.ts';
import { checkpointToWire } from '../wire/checkpoint.ts';
import { jobToWire } from '../wire/job.ts';

const accepted = (job: JobRecord) => created(202, `/v1/jobs/${job.id}`, jobToWire(job));

export function agentRoutes(
  agents: AgentsService,
  checkpoints: CheckpointsService,
  jobs: JobsService,
  transitions: TransitionsService,
) {
  return {
    createAgent: async ({ body, keep }) => {
      const reply = (agent: AgentRecord) => created(201, `/v1/agents/${agent.id}`, agentToWire(agent));
      return reply(await agents.create(createAgentFromWire(body), (agent) => keep(reply(agent))));
    },

    listAgents: async ({ query }) => json(200, listOf(agents.list(pageQueryOf(query, 'agt')), agentToWire)),

    getAgent: async ({ params }) => json(200, agentToWire(agents.get(params.agent_id))),

    updateAgent: async ({ params, body }) => json(200, agentToWire(agents.update(params.agent_id, body))),

    deleteAgent: async ({ params }) => {
      await agents.delete(params.agent_id);
      return GONE;
    },

    act: async ({ params, body }) => json(200, actToWire(await agents.act(params.agent_id, actFromWire(body)))),

    getAgentPolicyOnnx: async ({ params, headers }) => {
      const { model, sha256 } = await agents.policyModel(params.agent_id);
      const file = fileHeaders(sha256, `${params.agent_id}.onnx`);
      if (namesTag(headers['if-none-match'], file.ETag)) return { status: 304, headers: { ETag: file.ETag } };
      return { status: 200, type: 'application/octet-stream', headers: file, body: model };
    },

    trainAgent: async ({ params, body, keep }) =>
      accepted(await jobs.train(params.agent_id, trainFromWire(body), (job) => keep(accepted(job)))),

    addTransitions: async ({ params, body, keep }) => {
      const reply = (taken: TransitionsTaken) => json(200, transitionsToWire(taken));
      const columns = transitionsFromWire(body);
      return reply(await transitions.add(params.agent_id, columns, (taken) => keep(reply(taken))));
    },

    learnAgent: async ({ params, body, keep }) =>
      accepted(await jobs.learn(params.agent_id, learnFromWire(body), (job) => keep(accepted(job)))),

    evaluateAgent: async ({ params, body, keep }) =>
      accepted(await jobs.evaluate(params.agent_id, evaluateFromWire(body), (job) => keep(accepted(job)))),

    createCheckpoint: async ({ params }) => {
      const checkpoint = await checkpoints.create(params.agent_id);
      return created(201, `/v1/checkpoints/${checkpoint.id}`, checkpointToWire(checkpoint));
    },

    listAgentCheckpoints: async ({ params, query }) =>
      json(200, listOf(checkpoints.listOfAgent(params.agent_id, pageQueryOf(query, 'ckpt')), checkpointToWire)),

    restoreAgent: async ({ params, body }) =>
      json(200, agentToWire(await agents.restore(params.agent_id, body.checkpoint_id))),
  } satisfies Partial<Handlers>;
}
