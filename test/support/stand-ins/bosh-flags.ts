/** Those of bosh's flags that boshvirt uses. */
export interface BoshFlags {
  readonly 'ops-file': readonly string[];
  readonly 'vars-file': readonly string[];
  readonly 'vars-store': string;
  readonly state: string;
  readonly recreate?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly type?: string | undefined;
  readonly name?: string | undefined;
  readonly deployment?: string | undefined;
}
