/** The little of autocannon that the benchmark calls; the package ships no types. */
declare module 'autocannon' {
  export default function autocannon(options: {
    readonly url: string;
    readonly connections: number;
    /** Seconds. */
    readonly duration: number;
  }): Promise<{ readonly requests: { readonly total: number }; readonly errors: number }>;
}
