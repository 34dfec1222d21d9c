import { useOnline } from "../hooks/useMediaQuery";
import { Icon } from "./Icon";

/** Notices about the page itself: no session, no network. */
export function Notices({ isSignedOut, onTryAgain }: { isSignedOut: boolean; onTryAgain: () => void }) {
  const isOnline = useOnline();
  return (
    <>
      {isSignedOut && (
        <div className="notice" role="alert">
          <Icon name="warning" />
          <p>
            <strong>You are signed out.</strong> Sign in again, in another tab if you like; what you see here stays.
          </p>
          <button type="button" onClick={onTryAgain}>
            I am signed in
          </button>
        </div>
      )}
      {!isOnline && (
        <div className="notice" role="status">
          <Icon name="warning" />
          <p>
            <strong>You are offline.</strong> Answers that have begun go on, and are here when you are back.
          </p>
        </div>
      )}
    </>
  );
}
