// A line to copy: the snippet for a page, a command for a terminal.

import { useState } from 'preact/hooks';

const COPIED_MS = 2_000;

export function CopyLine({ text, label }: { text: string; label: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), COPIED_MS);
    } catch {
      // No clipboard here: the text can still be selected.
    }
  };
  return (
    <div class="copy-line">
      <code tabIndex={0} aria-label={label}>
        {text}
      </code>
      <button type="button" class="button" onClick={() => void copy()}>
        <span aria-live="polite">{isCopied ? 'Copied' : 'Copy'}</span>
      </button>
    </div>
  );
}

/** Said where the server does not know the collector's public address. */
const COLLECTOR_PLACEHOLDER = 'https://stats.example.com';

export function Snippet({ site, collector }: { site: string; collector: string | null | undefined }) {
  const origin = (collector ?? COLLECTOR_PLACEHOLDER).replace(/\/+$/, '');
  return (
    <>
      <CopyLine
        label="Snippet"
        text={`<script defer src="${origin}/footfall.js" data-site="${site}"></script>`}
      />
      {!collector && (
        <p class="quiet">
          Put your collector’s address in place of <code>{COLLECTOR_PLACEHOLDER}</code>.
        </p>
      )}
    </>
  );
}
