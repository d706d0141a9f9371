/** The repositories whose manifests boshvirt composes. */
export { type CheckoutOptions, checkoutArtifact, checkoutOf } from './checkout.ts';
