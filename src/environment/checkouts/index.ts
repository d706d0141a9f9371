/** The repositories whose manifests boshvirt composes. */
export { checkoutArtifact, checkoutOf } from './checkout.ts';
