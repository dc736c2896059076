/** The package brings no types of its own. */
declare module 'asciichart' {
  interface PlotOptions {
    readonly height?: number;
    readonly min?: number;
    readonly max?: number;
    readonly colors?: readonly string[];
    readonly format?: (value: number, index: number) => string;
  }
  const asciichart: {
    plot(series: readonly (readonly number[])[], options?: PlotOptions): string;
    readonly blue: string; readonly yellow: string; readonly green: string; readonly magenta: string; readonly cyan: string; readonly red: string; readonly reset: string;
  };
  export default asciichart;
}
