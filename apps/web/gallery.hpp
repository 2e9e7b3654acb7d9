// Photos and videos of the opened volume: found by a walk in the background, their facts read when they are looked at.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "salvage/artifact/exif.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "workplace.hpp"

namespace salvage::web {

struct GalleryItem {
    std::string path;
    bool is_video{false};
    std::uint64_t inode{};
    ByteCount size;
    std::int64_t seconds{}; ///< of the file's time, since 1970
};
/// Newest first.  Immutable.
using GalleryItems = std::shared_ptr<const std::vector<GalleryItem>>;

/// What is read of a photo or a video itself.
struct MediaFacts {
    std::optional<artifact::PhotoFacts> photo; ///< nothing: none that is understood
    std::optional<double> seconds;             ///< how long a video plays; nothing: it does not say
    ByteCount lost;
};

/// Thread safe.
class Gallery {
public:
    struct State {
        bool is_ready{false};
        GalleryItems items;
    };

    Gallery() = default;
    Gallery(const Gallery&) = delete;
    Gallery& operator=(const Gallery&) = delete;
    ~Gallery() = default;

    /// Begins to look where that volume has not been looked through.
    [[nodiscard]] State get(const Known& known);
    /// Kept for the volume that get() was last asked about.
    [[nodiscard]] MediaFacts facts(const Known& known, const GalleryItem& item);
    /// Stops looking and lets go of the volume.
    void forget();

private:
    void look(const std::stop_token& stop, const filesystem::FileSystem& files);
    void show(std::vector<GalleryItem> items, bool is_ready);

    std::mutex mutex_; ///< of what follows
    std::uint64_t number_{0};
    State state_;
    std::unordered_map<std::uint64_t, MediaFacts> facts_; ///< by inode
    std::mutex changing_;                                 ///< held while one walk gives way to another
    std::jthread walker_;
};

/// "2016-07-23", UTC; years outside of 0 to 9999 at the nearest.
[[nodiscard]] std::string day_of(std::int64_t seconds);

} // namespace salvage::web
