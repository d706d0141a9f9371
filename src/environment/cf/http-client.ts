/** The HTTP client, in a module of ours: a bundle gives what a CommonJS package exports to `import` statements alone. */
export { Client } from 'undici';
