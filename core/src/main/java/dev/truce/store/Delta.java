package dev.truce.store;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/// An immutable map from keys to items in the order of the keys: a change answers a new one, which
/// shares with the old one all but the way to one leaf.
///
/// A B+ tree from which nothing is taken out, for a removal is an item as well. Each node knows the
/// newest revision below it: what of a range is newer than some revision is found without looking
/// at the rest.
///
/// Source: path copying as in Driscoll, Sarnak, Sleator, Tarjan, *Making Data Structures
/// Persistent* (1989).
///
/// **Threads.** Safe for any number of them.
final class Delta {
  /// How many keys a node has at most.
  private static final int WIDTH = 32;

  /// So many rows are not put one after the other, for to copy a way takes as long as to copy some
  /// hundred rows beside each other.
  private static final int MANY = 4096;

  private static final Comparator<Row> ORDER =
      (one, other) -> Arrays.compareUnsigned(one.key, other.key);

  static final byte[] FIRST = new byte[0];

  /// No store has such a number.
  static final byte[] BEHIND_ALL = {-1};

  static final Delta EMPTY = new Delta(new Leaf(new byte[0][], new Item[0], 0));

  private final Node root;

  /// A key with its item.
  record Row(byte[] key, Item item) {}

  private sealed interface Node {
    byte[] first();

    /// The newest revision in it.
    long newest();
  }

  private record Leaf(byte[][] keys, Item[] items, long newest) implements Node {
    @Override
    public byte[] first() {
      return keys[0];
    }
  }

  /// @param low the lowest key of each of `kids`, but for the first one, whose may have lower ones
  private record Inner(byte[][] low, Node[] kids, long newest) implements Node {
    @Override
    public byte[] first() {
      return low[0];
    }
  }

  private Delta(Node root) {
    this.root = root;
  }

  /// What is newer than a revision, and nothing else.
  Delta since(long revision) {
    return of(newer(revision));
  }

  /// Of rows in the order of their keys.
  private static Delta of(Iterator<Row> rows) {
    List<Node> nodes = leaves(rows);
    while (nodes.size() > 1) {
      nodes = parents(nodes);
    }
    return nodes.isEmpty() ? EMPTY : new Delta(nodes.getFirst());
  }

  private static List<Node> leaves(Iterator<Row> rows) {
    List<Node> leaves = new ArrayList<>();
    while (rows.hasNext()) {
      byte[][] keys = new byte[WIDTH][];
      Item[] items = new Item[WIDTH];
      int count = 0;
      for (; count < WIDTH && rows.hasNext(); count++) {
        Row row = rows.next();
        keys[count] = row.key;
        items[count] = row.item;
      }
      leaves.add(leaf(Arrays.copyOf(keys, count), Arrays.copyOf(items, count)));
    }
    return leaves;
  }

  private static List<Node> parents(List<Node> nodes) {
    List<Node> parents = new ArrayList<>();
    for (int from = 0; from < nodes.size(); from += WIDTH) {
      List<Node> kids = nodes.subList(from, Math.min(from + WIDTH, nodes.size()));
      parents.add(inner(kids.toArray(Node[]::new)));
    }
    return parents;
  }

  // ---- changing

  Delta with(byte[] key, Item item) {
    Node[] made = put(root, key, item);
    return new Delta(made.length == 1 ? made[0] : inner(made));
  }

  /// The same as to put one row after the other; many at once are merged with what is there.
  Delta with(List<Row> rows) {
    if (rows.size() < MANY) {
      Delta all = this;
      for (Row row : rows) {
        all = all.with(row.key, row.item);
      }
      return all;
    }
    return of(new Over(lastOfEachKey(rows).iterator(), rows(FIRST, BEHIND_ALL)));
  }

  private static List<Row> lastOfEachKey(List<Row> rows) {
    List<Row> sorted = new ArrayList<>(rows);
    sorted.sort(ORDER); // stable
    List<Row> last = new ArrayList<>(sorted.size());
    for (int i = 0; i < sorted.size(); i++) {
      if (i + 1 == sorted.size() || ORDER.compare(sorted.get(i), sorted.get(i + 1)) != 0) {
        last.add(sorted.get(i));
      }
    }
    return last;
  }

  /// The node with the item in it, or the two that it became.
  private static Node[] put(Node node, byte[] key, Item item) {
    return switch (node) {
      case Leaf leaf -> put(leaf, key, item);
      case Inner inner -> put(inner, key, item);
    };
  }

  private static Node[] put(Leaf leaf, byte[] key, Item item) {
    int at = Arrays.binarySearch(leaf.keys, key, Arrays::compareUnsigned);
    if (at >= 0) {
      Item[] items = leaf.items.clone();
      items[at] = item;
      return new Node[] {new Leaf(leaf.keys, items, Math.max(leaf.newest, item.revision()))};
    }
    byte[][] keys = inserted(leaf.keys, -at - 1, key);
    Item[] items = inserted(leaf.items, -at - 1, item);
    return keys.length <= WIDTH
        ? new Node[] {new Leaf(keys, items, Math.max(leaf.newest, item.revision()))}
        : halves(keys, items);
  }

  private static Node[] halves(byte[][] keys, Item[] items) {
    int half = keys.length / 2;
    return new Node[] {
      leaf(Arrays.copyOf(keys, half), Arrays.copyOf(items, half)),
      leaf(
          Arrays.copyOfRange(keys, half, keys.length),
          Arrays.copyOfRange(items, half, items.length))
    };
  }

  private static Leaf leaf(byte[][] keys, Item[] items) {
    long newest = 0;
    for (Item item : items) {
      newest = Math.max(newest, item.revision());
    }
    return new Leaf(keys, items, newest);
  }

  private static Node[] put(Inner inner, byte[] key, Item item) {
    int at = kid(inner, key);
    Node[] made = put(inner.kids[at], key, item);
    byte[][] low = inner.low;
    if (!Arrays.equals(made[0].first(), low[at])) {
      low = low.clone();
      low[at] = made[0].first();
    }
    Node[] kids = inner.kids.clone();
    kids[at] = made[0];
    if (made.length == 2) {
      low = inserted(low, at + 1, made[1].first());
      kids = inserted(kids, at + 1, made[1]);
    }
    return kids.length <= WIDTH
        ? new Node[] {new Inner(low, kids, Math.max(inner.newest, item.revision()))}
        : halves(kids);
  }

  private static Node[] halves(Node[] kids) {
    int half = kids.length / 2;
    return new Node[] {
      inner(Arrays.copyOf(kids, half)), inner(Arrays.copyOfRange(kids, half, kids.length))
    };
  }

  private static Inner inner(Node[] kids) {
    byte[][] low = new byte[kids.length][];
    long newest = 0;
    for (int i = 0; i < kids.length; i++) {
      low[i] = kids[i].first();
      newest = Math.max(newest, kids[i].newest());
    }
    return new Inner(low, kids, newest);
  }

  private static <T> T[] inserted(T[] array, int at, T one) {
    T[] more = Arrays.copyOf(array, array.length + 1);
    System.arraycopy(array, at, more, at + 1, array.length - at);
    more[at] = one;
    return more;
  }

  /// In which of its kids this key would be.
  private static int kid(Inner inner, byte[] key) {
    int at = Arrays.binarySearch(inner.low, key, Arrays::compareUnsigned);
    return at >= 0 ? at : Math.max(0, -at - 2);
  }

  // ---- looking

  @Nullable Item get(byte[] key) {
    Node node = root;
    while (node instanceof Inner inner) {
      node = inner.kids[kid(inner, key)];
    }
    Leaf leaf = (Leaf) node;
    int at = Arrays.binarySearch(leaf.keys, key, Arrays::compareUnsigned);
    return at < 0 ? null : leaf.items[at];
  }

  /// The first key from `from` on and below `to` whose item is newer than a revision; `null` if
  /// there is none.
  @Nullable Row newer(byte[] from, byte[] to, long revision) {
    Rows rows = new Rows(from, to, revision);
    return rows.hasNext() ? rows.next() : null;
  }

  /// All keys whose items are newer than a revision, removed ones included.
  Iterator<Row> newer(long revision) {
    return new Rows(FIRST, BEHIND_ALL, revision);
  }

  /// All keys from `from` on and below `to`, removed ones included.
  Iterator<Row> rows(byte[] from, byte[] to) {
    return new Rows(from, to, -1);
  }

  /// Goes through a range, past the nodes in which nothing is newer than a revision.
  private final class Rows implements Iterator<Row> {
    /// What is still to be gone through, the next on top.
    private final Deque<Node> ahead = new ArrayDeque<>();

    private final byte[] from;
    private final byte[] to;
    private final long revision;
    private Leaf leaf = new Leaf(new byte[0][], new Item[0], 0);
    private int at;

    Rows(byte[] from, byte[] to, long revision) {
      this.from = from;
      this.to = to;
      this.revision = revision;
      ahead.push(root);
      seek();
    }

    /// Goes on to the next row that counts, if there is one.
    private void seek() {
      while (true) {
        while (at < leaf.keys.length) {
          if (Arrays.compareUnsigned(leaf.keys[at], to) >= 0) {
            ahead.clear();
            at = leaf.keys.length;
          } else if (leaf.items[at].revision() > revision
              && Arrays.compareUnsigned(leaf.keys[at], from) >= 0) {
            return;
          } else {
            at++;
          }
        }
        if (ahead.isEmpty()) {
          return;
        }
        enter(ahead.pop());
      }
    }

    private void enter(Node node) {
      if (node.newest() <= revision) {
        return;
      }
      switch (node) {
        case Leaf next -> {
          leaf = next;
          at = 0;
        }
        case Inner inner -> {
          int first = kid(inner, from);
          for (int i = inner.kids.length - 1; i >= first; i--) {
            ahead.push(inner.kids[i]);
          }
        }
      }
    }

    @Override
    public boolean hasNext() {
      return at < leaf.keys.length;
    }

    @Override
    public Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Row row = new Row(leaf.keys[at], leaf.items[at]);
      at++;
      seek();
      return row;
    }
  }
}
