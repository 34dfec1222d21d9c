// Feeds a polite live region while an answer grows.
import { useEffect, useRef, useState } from "react";
import { announcedUntil, spoken } from "../conversation/announcement";

const EVERY_MS = 4000;
/** Removes each announcement again, so that a screen reader that walks through the page does not find the answer twice. */
const GONE_AFTER_MS = 2000;

/** Returns the text that a screen reader should read now. `text` is that of the last answer. */
export function useAnnouncer(text: string, isBusy: boolean): string {
  const [announcement, setAnnouncement] = useState("");
  const announced = useRef(0);
  const wasBusy = useRef(false);
  const latest = useRef(text);
  latest.current = text;

  useEffect(() => {
    if (!isBusy) {
      if (!wasBusy.current) return;
      wasBusy.current = false;
      setAnnouncement(`${spoken(latest.current.slice(announced.current))} (End of the answer.)`);
      return;
    }
    wasBusy.current = true;
    announced.current = 0;
    setAnnouncement("The answer begins.");
    const timer = setInterval(() => {
      const end = announcedUntil(latest.current, announced.current);
      if (end <= announced.current) return;
      setAnnouncement(spoken(latest.current.slice(announced.current, end)));
      announced.current = end;
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [isBusy]);

  useEffect(() => {
    if (isBusy || announcement === "") return;
    const timer = setTimeout(() => setAnnouncement(""), GONE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [isBusy, announcement]);

  return announcement;
}
