import { Component, type ReactNode } from "react";
import { textOf } from "../conversation/parts";
import type { ChatMessage } from "../types";

interface Props {
  message: ChatMessage;
  children: ReactNode;
}

/** A message that cannot be drawn, a thousand nested quotations say, is shown as plain text, and the others stay. */
export class MessageBoundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? <p className="plain">{textOf(this.props.message)}</p> : this.props.children;
  }
}
