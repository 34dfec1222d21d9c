import { useEffect } from "react";
import { useMediaQuery } from "./useMediaQuery";
import { useStored } from "./useStored";

/** Returns the color scheme: the user's choice, or else the system's. The stylesheet reads `data-theme`. */
export function useTheme(): { isDark: boolean; toggle: () => void } {
  const systemIsDark = useMediaQuery("(prefers-color-scheme: dark)");
  const [chosen, choose] = useStored("theme");
  const isDark = chosen ? chosen === "dark" : systemIsDark;

  useEffect(() => {
    if (chosen) document.documentElement.dataset.theme = chosen;
  }, [chosen]);

  return { isDark, toggle: () => choose(isDark ? "light" : "dark") };
}
