import { useCallback, useState } from "react";
import { mutate } from "swr";
import { paths } from "./api";
import { Conversation } from "./components/Conversation";
import { Drawer } from "./components/Drawer";
import { Notices } from "./components/Notices";
import { OpeningState } from "./components/OpeningState";
import { Sidebar } from "./components/Sidebar";
import { TopBar } from "./components/TopBar";
import { useMediaQuery } from "./hooks/useMediaQuery";
import { useModels } from "./hooks/useModels";
import { useReturn } from "./hooks/useReturn";
import { useRoute } from "./hooks/useRoute";
import { useThread } from "./hooks/useThread";
import { useThreads } from "./hooks/useThreads";
import { useTitle } from "./hooks/useTitle";

export function App() {
  const { route, startNew, keep } = useRoute();
  const { threadId } = route;
  const threads = useThreads();
  const models = useModels();
  const { opened, reload } = useThread(route);
  const isNarrow = useMediaQuery("(max-width: 52rem)");
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const [wasRefused, setRefused] = useState(false);

  const isSignedOut =
    wasRefused ||
    threads.problem?.kind === "signed-out" ||
    (opened.state === "failed" && opened.problem.kind === "signed-out");
  const { refresh } = threads;
  const onActivity = useCallback(() => {
    refresh();
    void mutate(paths.usage);
  }, [refresh]);
  const signedInAgain = useCallback(() => {
    setRefused(false);
    onActivity();
    void mutate(paths.models);
    if (opened.state === "failed") reload();
  }, [opened.state, onActivity, reload]);
  useReturn(() => {
    if (isSignedOut) signedInAgain();
  });

  const stored = opened.state === "open" ? opened.page?.thread.title : undefined;
  const title = threads.threads?.find(({ id }) => id === threadId)?.title ?? stored ?? undefined;
  useTitle(title);

  const sidebar = (
    <Sidebar
      threads={threads}
      current={threadId}
      onNew={() => {
        setDrawerOpen(false);
        startNew();
      }}
      onOpened={() => setDrawerOpen(false)}
      onDeleted={(id) => {
        if (id === threadId) startNew();
      }}
    />
  );
  return (
    <div className="app">
      {opened.state === "open" && (
        <a className="skip" href="#message" onClick={skipToMessage}>
          Skip to the message box
        </a>
      )}
      {isNarrow ? isDrawerOpen && <Drawer onClose={() => setDrawerOpen(false)}>{sidebar}</Drawer> : sidebar}
      <main>
        <TopBar title={title} onMenu={isNarrow ? () => setDrawerOpen(true) : undefined} onNew={startNew} />
        <Notices isSignedOut={isSignedOut} onTryAgain={signedInAgain} />
        {opened.state === "open" ? (
          <Conversation
            key={threadId}
            threadId={threadId}
            page={opened.page}
            title={title}
            models={models}
            onBegin={keep}
            onActivity={onActivity}
            onSignedOut={() => setRefused(true)}
          />
        ) : (
          <OpeningState opened={opened} onRetry={reload} onNew={startNew} />
        )}
      </main>
    </div>
  );
}

/** The address holds the conversation: a link inside the page must not change it. */
function skipToMessage(event: React.MouseEvent) {
  event.preventDefault();
  document.getElementById("message")?.focus();
}
