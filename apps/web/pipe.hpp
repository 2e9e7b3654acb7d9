// Bytes from a thread that makes them to one that sends them: never more than a few MiB between the two.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

#include "salvage/core/bytes.hpp"

namespace salvage::web {

/// One writer, one reader.
class Pipe {
public:
    static constexpr std::size_t piece_bytes = 1U << 20U;
    static constexpr std::size_t max_pieces = 4;

    /// Waits where the reader is behind.  Errors: cancelled (the reader has left).
    Result<> write(ByteView bytes);
    /// No more comes.  `is_whole`: all there was came.
    void finish(bool is_whole);

    /// The next piece; nothing: it is over.
    [[nodiscard]] std::optional<Bytes> read();
    /// Once read() gave nothing.
    [[nodiscard]] bool is_whole() const;
    /// The reader leaves.
    void abandon();

private:
    Result<> hand_over();

    Bytes piece_; ///< the writer's
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Bytes> ready_;
    bool is_finished_{false};
    bool is_whole_{false};
    bool is_abandoned_{false};
};

} // namespace salvage::web
