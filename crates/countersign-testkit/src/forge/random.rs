//! Pseudo-random numbers that a seed and a stream give again, on every machine.

/// SplitMix64: what repeats itself needs no better randomness, and keys come from SHA-256 of their names.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of this number under a seed. Streams of one seed have nothing to do with each other.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut start = Self(seed);
        let seeded = start.bits();
        let mut random = Self(seeded ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.bits();
        random
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() >> 11) as usize % bound
    }

    /// A number of `from..=to`.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + (self.bits() >> 11) as i64 % (to - from + 1)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A word of ten letters that was hardly seen before.
    pub fn word(&mut self) -> String {
        let mut bits = self.bits();
        let letter = |_| {
            let letter = b'a' + (bits % 26) as u8;
            bits /= 26;
            char::from(letter)
        };
        (0..10).map(letter).collect()
    }

    /// Sixteen bytes: a nonce, an id.
    pub fn sixteen(&mut self) -> [u8; 16] {
        let (high, low) = (self.bits().to_le_bytes(), self.bits().to_le_bytes());
        core::array::from_fn(|i| if i < 8 { high[i] } else { low[i - 8] })
    }

    /// Another order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for end in (1..all.len()).rev() {
            all.swap(end, self.below(end + 1));
        }
    }

    /// Flips one bit of one of these bytes.
    pub fn flip(&mut self, bytes: &mut [u8]) {
        let at = self.below(bytes.len());
        bytes[at] ^= 1 << self.below(8);
    }
}
