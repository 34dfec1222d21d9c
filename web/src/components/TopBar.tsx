import { useTheme } from "../hooks/useTheme";
import { Icon } from "./Icon";

interface Props {
  title: string | undefined;
  /** Opens the list of conversations where it has no column of its own. */
  onMenu: (() => void) | undefined;
  onNew: () => void;
}

export function TopBar({ title, onMenu, onNew }: Props) {
  const { isDark, toggle } = useTheme();
  const theme = isDark ? "Switch to light colours" : "Switch to dark colours";
  return (
    <header className="top-bar">
      {onMenu && (
        <button type="button" className="quiet" aria-label="Open conversations" title="Conversations" onClick={onMenu}>
          <Icon name="menu" />
        </button>
      )}
      <h1>{title ?? "New conversation"}</h1>
      {onMenu && (
        <button type="button" className="quiet" aria-label="New conversation" title="New conversation" onClick={onNew}>
          <Icon name="plus" />
        </button>
      )}
      <button type="button" className="quiet" aria-label={theme} title={theme} onClick={toggle}>
        <Icon name={isDark ? "sun" : "moon"} />
      </button>
    </header>
  );
}
