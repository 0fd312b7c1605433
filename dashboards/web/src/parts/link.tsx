// A link to another state of the page: a real one, that opens in a new tab too.

import type { ComponentChildren } from 'preact';
import { isPlainClick, useRoute } from '../route';
import type { View } from '../view';

interface LinkProps {
  to: Partial<View>;
  class?: string;
  isCurrent?: boolean;
  label?: string;
  title?: string;
  onFollow?: () => void;
  children: ComponentChildren;
}

export function Link({ to, isCurrent, label, onFollow, children, ...rest }: LinkProps) {
  const { go, href } = useRoute();
  const onClick = (event: MouseEvent): void => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    go(to);
    onFollow?.();
  };
  return (
    <a
      {...rest}
      href={href(to)}
      onClick={onClick}
      aria-current={isCurrent ? 'true' : undefined}
      aria-label={label}
    >
      {children}
    </a>
  );
}
