// Writes MJCF, MuJoCo's XML: https://mujoco.readthedocs.io/en/stable/XMLreference.html. It only formats.

type Attribute = string | number | boolean | readonly number[];

/** One XML element. Numbers are written so that they read back exactly. */
export function element(
  tag: string,
  attributes: Readonly<Record<string, Attribute>>,
  children: readonly string[] = [],
): string {
  const text = Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${Array.isArray(value) ? value.join(' ') : String(value)}"`)
    .join('');
  return children.length === 0 ? `<${tag}${text}/>` : `<${tag}${text}>${children.join('')}</${tag}>`;
}
