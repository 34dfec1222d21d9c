const IDEAS = [
  "Explain how a hash map works, with a small example.",
  "Write a polite reply that moves a meeting to next week.",
  "Compare three ways to cache a web page.",
];

export function Welcome({ onPick }: { onPick: (text: string) => void }) {
  return (
    <section className="welcome" aria-label="Begin">
      <h2>What would you like to know?</h2>
      <p>An answer goes on when you close the page, and is here when you come back.</p>
      <ul>
        {IDEAS.map((idea) => (
          <li key={idea}>
            <button type="button" onClick={() => onPick(idea)}>
              {idea}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
