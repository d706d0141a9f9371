/** Where things lie in the guest; tests use a folder of their own instead of `/`. */
export interface Places {
  readonly sys: string;
  readonly dev: string;
  readonly proc: string;
  /** /var/vcap */
  readonly vcap: string;
  readonly etc: string;
  readonly home: string;
  readonly root: string;
  /** An empty folder to mount settings drives on. */
  readonly mount: string;
}

export const guestPlaces: Places = {
  sys: '/sys',
  dev: '/dev',
  proc: '/proc',
  vcap: '/var/vcap',
  etc: '/etc',
  home: '/home',
  root: '/root',
  mount: '/mnt',
};
