export const shells = ['bash', 'zsh', 'fish', 'powershell', 'nu', 'dotenv'] as const;
export type ShellName = (typeof shells)[number];

const posix = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;

interface Syntax {
  set(name: string, value: string): string;
  unset(name: string): string;
}

const posixShell: Syntax = {
  set: (name, value) => `export ${name}=${posix(value)}`,
  unset: (name) => `unset ${name}`,
};
const syntaxes: Readonly<Record<ShellName, Syntax>> = {
  bash: posixShell,
  zsh: posixShell,
  fish: {
    set: (name, value) => `set -gx ${name} '${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
    unset: (name) => `set -e ${name}`,
  },
  powershell: {
    set: (name, value) => `$env:${name} = '${value.replaceAll("'", "''")}'`,
    unset: (name) => `Remove-Item Env:${name}`,
  },
  // double quotes: its single ones know no way to hold one of themselves
  nu: {
    set: (name, value) => `$env.${name} = ${JSON.stringify(value)}`,
    unset: (name) => `hide-env ${name}`,
  },
  dotenv: { set: (name, value) => `${name}=${JSON.stringify(value)}`, unset: (name) => `${name}=` },
};

/** Lines that set (or with `unset` remove) variables in a shell's own words. */
export function shellLines(
  shell: ShellName,
  variables: Readonly<Record<string, string>>,
  unset: boolean,
): string {
  const syntax = syntaxes[shell];
  return Object.entries(variables)
    .map(([name, value]) => (unset ? syntax.unset(name) : syntax.set(name, value)))
    .join('\n');
}
