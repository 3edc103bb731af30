/** Of `operationId status`: those that fakes produce, since a real server has to break for them. All others happen on a real one. */
export const FAULTS = / 50[047]$/;
