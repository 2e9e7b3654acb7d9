// Numbered chunks made by many threads.
#include "rescue/chunk_pipeline.hpp"

#include <utility>

#include "rescue/pieces.hpp"

namespace salvage::rescue {

ChunkPipeline::ChunkPipeline(std::uint64_t end, unsigned workers, Make make)
    : end_{end}, make_{std::move(make)}, pool_{(std::size_t{2} * workers) + 2, chunk_bytes}
{
    threads_.reserve(workers);
    for (unsigned i = 0; i < workers; ++i) {
        threads_.emplace_back([this] { work(); });
    }
}

ChunkPipeline::~ChunkPipeline()
{
    {
        const std::scoped_lock lock{mutex_};
        is_ending_ = true;
        ready_.clear(); // a worker may be waiting for one of these buffers
    }
    for (auto& thread : threads_) {
        thread.join();
    }
    ready_.clear();
}

void ChunkPipeline::work()
{
    for (;;) {
        // First the buffer, then the number: the lowest number under way always has a buffer, so that next() ends.
        Chunk chunk{.buffer = pool_.take(), .count = 0, .extents = {}};
        std::uint64_t number = 0;
        {
            const std::scoped_lock lock{mutex_};
            if (is_ending_ || next_to_make_ == end_) {
                return;
            }
            number = next_to_make_;
            ++next_to_make_;
        }
        auto made = make_(number, chunk);
        const std::scoped_lock lock{mutex_};
        if (is_ending_) {
            return;
        }
        ready_.emplace(number, made.has_value() ? Result<Chunk>{std::move(chunk)} : Result<Chunk>{made.error()});
        made_.notify_all();
    }
}

Result<Chunk> ChunkPipeline::next()
{
    std::unique_lock lock{mutex_};
    made_.wait(lock, [this] { return ready_.contains(next_to_give_); });
    auto node = ready_.extract(next_to_give_);
    ++next_to_give_;
    return std::move(node.mapped());
}

} // namespace salvage::rescue
