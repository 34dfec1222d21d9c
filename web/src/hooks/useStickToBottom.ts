// Scrolls with new content at the bottom while the user is there, and never while the user has scrolled up.
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

const NEAR_PX = 40;

export interface StickToBottom {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  isAtBottom: boolean;
  toBottom: () => void;
  /** Keeps the visible part in its place while older messages are inserted above. */
  keepPlace: () => void;
}

export function useStickToBottom(): StickToBottom {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const lastTop = useRef(0);
  const fromBottom = useRef<number>(undefined);
  const [isAtBottom, setAtBottom] = useState(true);

  const toBottom = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    sticks.current = true;
    setAtBottom(true);
    element.scrollTop = element.scrollHeight;
  }, []);

  const keepPlace = useCallback(() => {
    const element = scroller.current;
    if (element) fromBottom.current = element.scrollHeight - element.scrollTop;
  }, []);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const onScroll = () => {
      const isNear = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
      // Growth moves the bottom away, but only a reader moves up.
      if (isNear) sticks.current = true;
      else if (element.scrollTop < lastTop.current) sticks.current = false;
      lastTop.current = element.scrollTop;
      setAtBottom(isNear || sticks.current);
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => element.removeEventListener("scroll", onScroll);
  }, []);

  useLayoutEffect(() => {
    if (!content.current || !scroller.current) return;
    const follow = () => {
      const element = scroller.current;
      if (element && fromBottom.current !== undefined) {
        element.scrollTop = element.scrollHeight - fromBottom.current;
        fromBottom.current = undefined;
      } else if (sticks.current) toBottom();
    };
    const observer = new ResizeObserver(follow);
    observer.observe(content.current);
    observer.observe(scroller.current);
    follow();
    return () => observer.disconnect();
  }, [toBottom]);

  return { scroller, content, isAtBottom, toBottom, keepPlace };
}
