// Finding rows by their labels.

/** SQL that holds where the JSON object in `column` has all members of the one in `wanted`. Both are SQL, no values. */
export function hasLabels(column: string, wanted: string): string {
  return `NOT EXISTS (SELECT 1 FROM json_each(${wanted}) AS wanted WHERE NOT EXISTS (
    SELECT 1 FROM json_each(${column}) AS own WHERE own.key = wanted.key AND own.value = wanted.value))`;
}
