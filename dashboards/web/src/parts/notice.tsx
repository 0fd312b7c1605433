// What a part says instead of numbers: that it failed, and how to try again.

import type { ApiError } from '../api';

interface FailureProps {
  error: ApiError;
  onRetry: () => void;
}

export function Failure({ error, onRetry }: FailureProps) {
  return (
    <div class="notice" role="alert">
      <p>{error.sentence}</p>
      <button type="button" class="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}
