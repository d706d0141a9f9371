import { fillTemplate, markup } from '../../platform/template.ts';

/** A program that the machine is to keep running, also after a reboot. */
export interface Service {
  /** Without `.service`. */
  readonly name: string;
  readonly description: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The text of a service's unit (systemd.service(5)); `target` is what wants it at the machine's or the user's start. */
export function unitText(service: Service, target: string): string {
  return fillTemplate('systemd/service.unit', {
    description: markup(specifiers(service.description)),
    command: markup(service.argv.map((word) => quoted(word).replaceAll('$', '$$$$')).join(' ')),
    environment: markup(
      Object.entries(service.env).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}\n`),
    ),
    target,
  });
}

/** One word of a unit, whatever is in it: `%` begins a specifier, and `\` an escape in quotes. */
const quoted = (word: string): string =>
  `"${specifiers(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

const specifiers = (text: string): string => text.replaceAll('%', '%%');
