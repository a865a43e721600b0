// AMX's tiles but for their products.

// What configure reads: the extents of each of the eight tiles.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

// In assembly because GCC's macros take the tile's number only as it is written, and its
// _tile_loadconfig claims to read eight of the configuration's 64 bytes, so that stores to the others may be dropped.
struct TileMemory {
  static void configure(const void* shapes) noexcept { asm volatile("ldtilecfg (%0)" ::"r"(shapes) : "memory"); }
  static void release() noexcept { asm volatile("tilerelease"); }
  template <int Tile>
  static void zero() noexcept {
    asm volatile("tilezero %%tmm%c0" ::"i"(Tile));
  }
  template <int Tile>
  static void load(const void* x, std::int64_t stride) noexcept {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(x), "r"(stride), "i"(Tile) : "memory");
  }
  template <int Tile>
  static void store(void* y, std::int64_t stride) noexcept {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(y), "r"(stride), "i"(Tile) : "memory");
  }
};
