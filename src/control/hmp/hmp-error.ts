/** A mistake in a monitor command line; the monitor prints the message. */
export class HmpError extends Error {}
