// Whether this browser's fonts draw a country's two indicator letters as one flag. Where they do not
// (Windows, bare Linux) two boxes or letters would stand there instead.

let answer: boolean | undefined;

export function canDrawFlags(): boolean {
  if (answer === undefined) {
    const context = document.createElement('canvas').getContext('2d');
    if (!context) return (answer = false);
    context.font = '20px system-ui, sans-serif';
    const flag = context.measureText('\u{1f1f3}\u{1f1f1}').width;
    const letters = 2 * context.measureText('\u{1f1f3}').width;
    answer = flag > 0 && flag < letters * 0.9;
  }
  return answer;
}
