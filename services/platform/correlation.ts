/** A correlation id as gateway and api take it from a caller; any other is replaced by a new one. Safe in headers and JSON as it is. */
export const correlationIdPattern = /^[A-Za-z0-9_-]{8,64}$/;
