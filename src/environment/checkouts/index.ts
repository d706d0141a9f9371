/** The repositories whose manifests boshvirt composes. */
export { type CheckoutOptions, checkoutOf } from './checkout.ts';
