import { type Handlers, json } from '../operation.ts';
import { listOf, pageOfAll, pageQueryOf } from '../page.ts';
import type { CatalogueService } from '../services.ts';
import { algorithmToWire, envSpecToWire, wrapperToWire } from '../wire/catalogue.ts';

export function catalogueRoutes(catalogue: CatalogueService) {
  return {
    listEnvSpecs: async ({ query }) => {
      const page = pageOfAll(catalogue.envSpecs(), (spec) => spec.id, pageQueryOf(query, 'any'));
      return json(200, listOf(page, envSpecToWire));
    },

    getEnvSpec: async ({ params }) => json(200, envSpecToWire(catalogue.envSpec(params.spec_id))),

    listWrappers: async ({ query }) => {
      const page = pageOfAll(catalogue.wrappers(), (wrapper) => wrapper.name, pageQueryOf(query, 'any'));
      return json(200, listOf(page, wrapperToWire));
    },

    listAlgorithms: async ({ query }) => {
      const page = pageOfAll(catalogue.algorithms(), (algorithm) => algorithm.name, pageQueryOf(query, 'any'));
      return json(200, listOf(page, algorithmToWire));
    },

    getAlgorithm: async ({ params }) => json(200, algorithmToWire(catalogue.algorithm(params.name))),
  } satisfies Partial<Handlers>;
}
