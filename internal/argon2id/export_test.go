package argon2id

// Derive is the hash function of a pool.
type Derive func(input, salt []byte, p Params, size uint32) []byte

// NewPoolWith is NewPool with another hash function or source of salts; nil
// keeps the real one.
func NewPoolWith(cfg PoolConfig, derive Derive, fillSalt func([]byte)) (*Pool, error) {
	p, err := newPool(cfg)
	if err != nil {
		return nil, err
	}
	if derive != nil {
		p.derive = derive
	}
	if fillSalt != nil {
		p.fillSalt = fillSalt
	}
	p.start()
	return p, nil
}

// Cores is the number of cores found at the start.
func Cores() int { return cores }
